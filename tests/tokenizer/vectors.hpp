// The token vectors: what the reference implementations say. One JSON object a line:
// {"encoding", "id", "cat", "text" | "rep": [unit, times], "special": "plain" | "allow", "n", "ids" | "ids_sha256"}
#pragma once

#include "conf/json.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

namespace nexus::tokenizer {

struct vector_record {
  std::string id;
  std::string text;
  bool allow = false;
  size_t n = 0;
  std::vector<uint32_t> ids;  // or
  std::string ids_sha256;     // of the ids as little-endian words
};

inline std::string vectors_path(std::string_view encoding) {
  return std::string(TOKENIZER_VECTORS_DIR) + "/" + std::string(encoding) + ".jsonl";
}

inline vector_record read_record(const std::string& line) {
  const auto row = json::parse(line);
  EXPECT_TRUE(row) << line.substr(0, 200);
  vector_record record;
  if (!row) return record;
  record.id = json::string_member(*row, "id").value_or("");
  if (const auto text = json::string_member(*row, "text")) {
    record.text = *text;
  } else {
    const auto& rep = *json::find(*row, "rep");
    for (unsigned i = 0; i < rep[1].GetUint(); ++i) record.text.append(rep[0].GetString(), rep[0].GetStringLength());
  }
  record.allow = json::string_member(*row, "special") == "allow";
  record.n = json::find(*row, "n")->GetUint64();
  if (const auto hash = json::string_member(*row, "ids_sha256")) record.ids_sha256 = *hash;
  if (const auto* ids = json::find(*row, "ids")) {
    for (const auto& id : ids->GetArray()) record.ids.push_back(id.GetUint());
  }
  return record;
}

inline std::vector<vector_record> read_vectors(std::string_view encoding) {
  std::ifstream file(vectors_path(encoding));
  EXPECT_TRUE(file) << vectors_path(encoding);
  std::vector<vector_record> records;
  for (std::string line; std::getline(file, line);) records.push_back(read_record(line));
  return records;
}

}  // namespace nexus::tokenizer
