// Failures of actors, in words for the log.
#pragma once

#include <caf/error.hpp>
#include <caf/scheduled_actor.hpp>

#include <exception>
#include <string>

namespace nexus {

/// The exception handler of every actor: logs what was thrown and ends the actor with an error, so that monitors hear
/// of it.
caf::error report_exception(caf::scheduled_actor* actor, std::exception_ptr& thrown);

/// Returns a reason in words: "unhandled exception", "killed", ...
std::string describe(const caf::error& reason);

/// True if the actor ended as it should.
bool ended_well(const caf::error& reason);

}  // namespace nexus
