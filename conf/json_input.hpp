// What RapidJSON reads from and how, for those of our readers that drive it themselves (conf/json, net/dialects).
#pragma once

#include "conf/utf8.hpp"

#include <rapidjson/encodings.h>
#include <rapidjson/rapidjson.h>

namespace nexus::json {

/// RapidJSON's input: bounded, and not copied, so that a handler sees how far the reader is.
struct input {
  using Ch = char;

  Ch Peek() const { return p != end ? *p : '\0'; }
  Ch Take() { return p != end ? *p++ : '\0'; }
  size_t Tell() const { return static_cast<size_t>(p - begin); }
  // Only in-situ parsing writes.
  Ch* PutBegin() { return nullptr; }
  void Put(Ch) {}
  void* Push(size_t) { return nullptr; }
  size_t PutEnd(Ch*) { return 0; }

  const char* begin;
  const char* p;
  const char* end;
};

/// Strings copied in runs: RapidJSON asks for one character, and gets all up to where `skip` stops. Needs
/// kParseValidateEncodingFlag. A fault behind the first character ends the run, so that the next call reports its exact
/// place.
template <const char* (*skip)(const char*, const char*)>
struct bulk : rapidjson::UTF8<> {
  template <class Input, class Output>
  static bool Validate(Input& in, Output& out) {
    const char* stop = skip(in.p, in.end);
    const auto length = static_cast<size_t>(stop - in.p);
    if (length == 0) return false;
    std::memcpy(out.Push(static_cast<rapidjson::SizeType>(length)), in.p, length);
    in.p = stop;
    return true;
  }
};

/// Text that is checked to be UTF-8.
using bulk_utf8 = bulk<skip_unescaped>;
/// Text that is taken as it is.
using bulk_bytes = bulk<skip_unescaped_bytes>;

}  // namespace nexus::json
