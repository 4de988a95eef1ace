#pragma once
#include <cstdint>
namespace nexus::tokenizer {
enum class normalizer : uint8_t { none, nfc, nfkc };
}
