// A JSON listener that only looks at the members of the root object. Pure.
#pragma once

#include "conf/json.hpp"

namespace nexus::net {

class root_members : public json::listener {
 public:
  bool on_key(std::string_view, unsigned) override { return true; }
  bool on_string(std::string_view, unsigned depth) override { return inside(depth); }
  bool on_number(double, std::optional<int64_t>, unsigned depth) override { return inside(depth); }
  bool on_bool(bool, unsigned depth) override { return inside(depth); }
  bool on_null(unsigned depth) override { return inside(depth); }
  bool on_object_begin(unsigned) override { return true; }
  bool on_object_end(unsigned) override { return true; }
  bool on_array_begin(unsigned depth) override { return inside(depth - 1); }
  bool on_array_end(unsigned) override { return true; }
  error reason() const override { return make_error(errc::invalid_request, "A JSON object is expected."); }

 private:
  /// Refuses a root that is no object.
  bool inside(unsigned depth) const { return depth > 0; }
};

}  // namespace nexus::net
