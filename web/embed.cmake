# Puts files into a library with .incbin, which takes a fraction of the time of an array in C. As a module it defines
# nexus_embed; as a script (cmake -P) it writes <out>/assets.S and <out>/assets.inc. The hash of the content is
# part of each symbol, so that a changed file changes both, and neither can be linked with an old other one.
if(NOT CMAKE_SCRIPT_MODE_FILE)
  set(NEXUS_EMBED_SCRIPT ${CMAKE_CURRENT_LIST_FILE})

  # nexus_embed(<target> <file>...), with files relative to the current folder.
  function(nexus_embed target)
    set(out ${CMAKE_BINARY_DIR}/generated/web)
    list(TRANSFORM ARGN PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/ OUTPUT_VARIABLE paths)
    # The list itself is an input: a file that is added or removed embeds anew.
    file(CONFIGURE OUTPUT ${out}/assets.list CONTENT "${ARGN}" @ONLY)
    add_custom_command(
      OUTPUT ${out}/assets.S ${out}/assets.inc
      COMMAND ${CMAKE_COMMAND} -Droot=${CMAKE_CURRENT_SOURCE_DIR} -Dout=${out} -P ${NEXUS_EMBED_SCRIPT}
      DEPENDS ${paths} ${out}/assets.list ${NEXUS_EMBED_SCRIPT}
      COMMENT "Embedding the web interface"
      VERBATIM)
    target_sources(${target} PRIVATE ${out}/assets.S ${out}/assets.inc)
  endfunction()
  return()
endif()

file(READ ${out}/assets.list files)
set(assembly "    .section .rodata\n")
set(rows "")
set(names "")
set(index 0)
foreach(file IN LISTS files)
  file(SHA256 ${root}/${file} hash)
  file(SIZE ${root}/${file} size)
  string(SUBSTRING ${hash} 0 16 hash)
  set(symbol nexus_web_${index}_${hash})
  string(APPEND assembly
    "    .global ${symbol}\n    .balign 16\n${symbol}:\n    .incbin \"${root}/${file}\"\n"
    "    .if . - ${symbol} - ${size}\n    .error \"${file} changed while it was being embedded\"\n    .endif\n")
  string(APPEND names "extern \"C\" const char ${symbol}[];\n")
  set(path "/ui/${file}")
  if(file STREQUAL "index.html")
    set(path "/")
  endif()
  string(APPEND rows "    {\"${path}\", type_of(\"${file}\"), {${symbol}, ${size}}, \"\\\"${hash}\\\"\"},\n")
  math(EXPR index "${index} + 1")
endforeach()
file(WRITE ${out}/assets.S "${assembly}    .section .note.GNU-stack,\"\",%progbits\n")
file(WRITE ${out}/assets.inc "${names}\nconstinit const asset assets[] = {\n${rows}};\n")
