#include "actors/errors.hpp"

#include "conf/log.hpp"

#include <caf/exit_reason.hpp>
#include <caf/sec.hpp>

namespace nexus {

caf::error report_exception(caf::scheduled_actor* actor, std::exception_ptr& thrown) {
  std::string what = "something that is no exception";
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& exception) {
    what = exception.what();
  } catch (...) {
    // `what` says it already.
  }
  log::actors().error("actor-failed", "The {} actor failed: {}", actor->name(), what);
  return caf::sec::runtime_error;
}

std::string describe(const caf::error& reason) { return reason ? caf::to_string(reason) : "normal end"; }

bool ended_well(const caf::error& reason) {
  return !reason || reason == caf::exit_reason::normal || reason == caf::exit_reason::user_shutdown;
}

}  // namespace nexus
