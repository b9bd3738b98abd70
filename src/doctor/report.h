// What an examination found.
#pragma once

#include <string>
#include <vector>

namespace ropeway::doctor {

enum class Status {
  ok,
  note,     // works, but something else may not, or not as well
  problem,  // something that CANN or Ropeway needs is wrong
};
const char* to_string(Status status);

struct Finding {
  std::string check;         // "libraries": which part of the examination
  Status status = Status::ok;
  std::string text;          // what is so, and what follows from it
  std::string fix = {};      // a command to paste; "" for ok
  std::string symptom = {};  // the row of symptoms() that it leads to; "" for none
};

struct Report {
  std::string root;  // of the machine that was examined
  std::vector<Finding> findings;

  bool healthy() const;  // no problem among them
};

// The report for other programs: {"schema": 1, "root", "healthy", "findings": [{"check", "status", "text", "fix", "symptom"}]}.
std::string to_json(const Report& report);

}  // namespace ropeway::doctor
