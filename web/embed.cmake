# nexus_embed(<target>): puts the interface into a library. collect.mjs gathers and compresses it; .incbin takes a fraction
# of the time of an array in C.
find_program(NODE node REQUIRED)

function(nexus_embed target)
  set(out ${CMAKE_BINARY_DIR}/generated/web)
  set(tokenizer ${CMAKE_SOURCE_DIR}/tokenizer)  # its vocabularies are part of the program
  set(patterns index.html icon.svg app.js pages.js package-lock.json node_modules/.package-lock.json)
  foreach(folder components i18n lib logic pages styles workers)
    list(APPEND patterns ${folder}/*)
  endforeach()
  list(TRANSFORM patterns PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/)
  # A file that is added or removed embeds anew, so nobody keeps a list.
  file(GLOB inputs CONFIGURE_DEPENDS ${patterns})
  add_custom_command(
    OUTPUT ${out}/assets.S ${out}/assets.inc
    COMMAND ${NODE} ${CMAKE_CURRENT_SOURCE_DIR}/collect.mjs ${out} ${tokenizer}
    DEPENDS ${inputs} ${CMAKE_CURRENT_SOURCE_DIR}/collect.mjs ${tokenizer}/package-lock.json
    COMMENT "Embedding the web interface"
    VERBATIM)
  target_sources(${target} PRIVATE ${out}/assets.S ${out}/assets.inc)
endfunction()
