#include "tokenizer/embedded_tables.hpp"

namespace nexus::tokenizer {
namespace {

struct table_row {
  std::string_view name;
  const char* begin;
  const char* end;
};

}  // namespace

#include "tokenizer/tables.inc"

std::string_view embedded_table(std::string_view name) {
  for (const table_row& row : rows) {
    if (row.name == name) return {row.begin, static_cast<size_t>(row.end - row.begin)};
  }
  return {};
}

}  // namespace nexus::tokenizer
