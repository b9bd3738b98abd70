// A device as a whole beside what is predicted of it: what is wrong with its CANN, which functions it has, whether every operator and the built-in models give what they
// should, and how long they take. This is how predictions meet a real chip.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "doctor/report.h"
#include "selftest/task.h"

namespace ropeway::selftest {

struct Options {
  SessionOptions session;                     // its device: npu or virtual-npu
  bool quick = false;                         // no cases of operators
  std::vector<std::string> operators = {};    // whose cases are run, as in ops.def; empty: all
  std::optional<double> budget_seconds = {};  // after which nothing new is begun
  std::string version = {};                   // of Ropeway
};

// What is outside of this room.
struct Surroundings {
  // run_task in a process of its own, killed after `seconds`. What is not run_task's answer, or an exception, is told as a failure of the process.
  std::function<std::string(const Task& task, const SessionOptions& options, double seconds)> run;
  std::function<doctor::Report()> examine;
  std::function<void(const std::string& line)> progress;  // of the work under way
};

struct Outcome {
  bool usable = false;       // the device could be opened
  bool as_expected = false;  // and there are no findings
  std::string soc;           // "Ascend310B1"; the device's name in `ropeway devices` when it is not known
  std::string text;          // for people: a screen
  std::map<std::string, std::string> files;  // for an archive: report.json (schema 1), report.txt, doctor.json, and what atc printed where it failed: without names of user and host, and without home folders
};

// A part that fails never ends the others. Throws Error{invalid_argument} for an operator that there is not.
Outcome examine_device(const Options& options, const Surroundings& surroundings);

}  // namespace ropeway::selftest
