# Generates the tables of unicode.cpp from the pinned Unicode packages.
find_program(NODE node REQUIRED)
set(unicode_tables ${CMAKE_BINARY_DIR}/generated/tokenizer/unicode_tables.inc)
add_custom_command(
  OUTPUT ${unicode_tables}
  COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/generated/tokenizer
  COMMAND ${NODE} ${CMAKE_CURRENT_SOURCE_DIR}/tools/make_unicode_tables.mjs ${unicode_tables}
  DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/tools/make_unicode_tables.mjs ${CMAKE_CURRENT_SOURCE_DIR}/package-lock.json
  COMMENT "Generating the Unicode tables"
  VERBATIM)
target_sources(nexus_tokenizer PRIVATE ${unicode_tables})
