#include "tokenizer/encodings.hpp"

namespace nexus::tokenizer {

const encoding_info* encoding(std::string_view) { return nullptr; }

}  // namespace nexus::tokenizer
