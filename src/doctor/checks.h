// The parts of an examination: the checks, in the order of the report, and what they share.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "doctor/doctor.h"

namespace ropeway::doctor {

struct Context {
  const Patient& patient;
  const cann::Machine& machine;
  std::vector<cann::Installation> installations;  // the first is the one that Ropeway uses
  std::vector<std::filesystem::path> folders;     // where libraries are found

  const cann::Installation& cann() const { return installations.front(); }
  std::string shown(const std::filesystem::path& path) const { return machine.shown(path); }
  bool exists(const std::string& path) const;  // of the machine
  std::string script() const;                  // CANN's environment script
  std::string package(const char* name) const;  // the command that installs a package of CANN
  std::string driver() const;                   // and the driver
};

struct Check {
  const char* name;
  void (*examine)(const Context& context, std::vector<Finding>& findings);  // adds findings, whose names of checks are filled in later
  bool needs_atc;                                                             // without the compiler there is nothing to look at
};
extern const std::vector<Check> kCannChecks, kBoardChecks, kCompilerChecks, kHistoryChecks;

inline Finding ok(std::string text) { return {"", Status::ok, std::move(text)}; }
inline Finding note(std::string text, std::string fix, std::string symptom = "") { return {"", Status::note, std::move(text), std::move(fix), std::move(symptom)}; }
inline Finding problem(std::string text, std::string fix, std::string symptom = "") { return {"", Status::problem, std::move(text), std::move(fix), std::move(symptom)}; }

}  // namespace ropeway::doctor
