// Examining a machine's CANN, driver and NPU: what is there, what is wrong, and a command for each.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>

#include "cann/installation.h"
#include "doctor/report.h"

namespace ropeway::doctor {

// For whom access is judged.
struct User {
  std::string name;
  unsigned id = 0;
  std::set<unsigned> groups;
};
User this_user();

// What using the NPU came to, in a process of its own: libraries that are broken may crash.
struct Probe {
  bool works = false;
  std::string text;  // what it says of the device, or why it cannot be used
};

struct Patient {
  cann::Machine machine;
  User user;
  std::optional<cann::Installation> virtual_installation = {};  // Ropeway's own, for mention
  std::function<Probe()> probe = {};                            // empty: nothing is run. To be left empty for another machine's files
};

// Reads files alone, but for the probe. A check that cannot be made is a problem of the report, never an error.
Report examine(const Patient& patient);

}  // namespace ropeway::doctor
