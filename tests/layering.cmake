# Checks who includes whom: cmake [-DROOT=DIR] -P tests/layering.cmake
# One line for each offence; fails if there is any.
cmake_minimum_required(VERSION 3.25)
if(NOT ROOT)
  get_filename_component(ROOT ${CMAKE_CURRENT_LIST_DIR} DIRECTORY)
endif()

# Folder -> the folders of ours that it may include.
set(folders conf tokenizer storage net web actors)
set(may_conf conf)
set(may_tokenizer conf tokenizer)
set(may_storage conf storage)
set(may_net conf net)
set(may_web web)
set(may_actors ${folders})

# Header (regex) and the files (regex) that are its home.
set(homes
  "^caf/"                    "^actors/"
  "^boost/beast"             "^net/"
  "^boost/asio"              "^net/|^actors/shard[^/]*$"
  "^sqlite3\\.h$"            "^storage/"
  "^openssl/"                "^(net|storage)/"
  "^cctz/|^argon2"           "^storage/"
  "^spdlog/"                 "^conf/"
  "^toml\\+\\+/|^toml\\.hpp" "^conf/"
  "^rapidjson/"              "^conf/|^net/dialects"
  "^CLI/"                    "^actors/(main\\.cpp|command_line[^/]*|store_commands\\.cpp)$")

# What may stand in the root; the last line is never committed.
set(top
  .ci .clang-format .clang-tidy .gitignore CHANGELOG.md CMakeLists.txt CMakePresets.json LICENSE README.md THIRD_PARTY_NOTICES.md dev
  tests ${folders}
  .git build data)

set(offences "")

macro(offence text)
  string(APPEND offences "${text}\n")
endmacro()

function(check_ours file folder header)
  string(REGEX MATCH "^[^/]+" target "${header}")
  if(NOT header MATCHES "/" OR NOT target IN_LIST folders)
    offence("${file}: \"${header}\" does not start at the root")
  elseif(NOT target IN_LIST may_${folder})
    offence("${file}: ${folder} may not include ${target} (\"${header}\")")
  endif()
  set(offences "${offences}" PARENT_SCOPE)
endfunction()

function(check_library file header)
  set(rows ${homes})
  while(rows)
    list(POP_FRONT rows library home)
    if(header MATCHES "${library}" AND NOT file MATCHES "${home}")
      offence("${file}: <${header}> has its home elsewhere")
    endif()
  endwhile()
  set(offences "${offences}" PARENT_SCOPE)
endfunction()

foreach(folder IN LISTS folders)
  file(GLOB_RECURSE sources RELATIVE ${ROOT} ${ROOT}/${folder}/*.hpp ${ROOT}/${folder}/*.cpp ${ROOT}/${folder}/*.in)
  list(FILTER sources EXCLUDE REGEX "node_modules/")
  foreach(file IN LISTS sources)
    file(STRINGS ${ROOT}/${file} lines REGEX "^[ \t]*#[ \t]*include[ \t]*[<\"]")
    foreach(line IN LISTS lines)
      string(REGEX REPLACE "^[ \t]*#[ \t]*include[ \t]*([<\"])([^>\"]*)[>\"].*" "\\1;\\2" parts "${line}")
      list(GET parts 0 mark)
      list(GET parts 1 header)
      check_library(${file} "${header}")
      if(mark STREQUAL "\"")
        check_ours(${file} ${folder} "${header}")
      endif()
    endforeach()
  endforeach()
endforeach()

file(GLOB entries RELATIVE ${ROOT} ${ROOT}/* ${ROOT}/.*)
foreach(entry IN LISTS entries)
  if(NOT entry IN_LIST top AND NOT entry MATCHES "^\\.\\.?$")
    offence("${entry}: does not belong into the root")
  endif()
endforeach()

if(offences)
  message(FATAL_ERROR "Layers are broken:\n${offences}")
endif()
