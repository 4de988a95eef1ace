# Generates the tables of unicode.cpp and normalizer.cpp from the pinned Unicode packages.
find_program(NODE node REQUIRED)
foreach(name unicode normalizer)
  set(script ${CMAKE_CURRENT_SOURCE_DIR}/tools/make_${name}_tables.mjs)
  set(tables ${CMAKE_BINARY_DIR}/generated/tokenizer/${name}_tables.inc)
  add_custom_command(
    OUTPUT ${tables}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/generated/tokenizer
    COMMAND ${NODE} ${script} ${tables}
    DEPENDS ${script} ${CMAKE_CURRENT_SOURCE_DIR}/package-lock.json
    COMMENT "Generating the ${name} tables"
    VERBATIM)
  target_sources(nexus_tokenizer PRIVATE ${tables})
  list(APPEND unicode_tables ${tables})
endforeach()
# What the linter needs of them.
add_custom_target(nexus_unicode_tables DEPENDS ${unicode_tables})
