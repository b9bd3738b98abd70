// Tasks one after the other, within a budget of time.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "ir/graph.h"
#include "selftest/selftest.h"
#include "selftest/tasks.h"

namespace ropeway::selftest {

class Work {
 public:
  Work(const Options& options, const Surroundings& surroundings) : options_(options), surroundings_(surroundings) {}

  // The task's answer: see run_task. Failures of its process have the stage "process".
  Json run(const Task& task);
  // Why nothing new is to be begun; "" when it is.
  std::string why_not() const;
  bool is_budget_spent() const { return remaining_seconds() <= 0; }
  // The device does not answer any more: nothing new is begun.
  void give_up(const std::string& why) { given_up_ = why; }
  // Asks the device whether it still works, and gives up when it does not.
  void check_device();

  void say(const std::string& line) const { surroundings_.progress(line); }
  // For the verdict, and for the archive.
  void find(const std::string& text) { findings.push_back(text); }
  void keep_output(const std::string& name, const Json& failed);

  std::vector<std::string> findings;
  std::vector<std::string> not_run;            // by the user's choice
  std::map<std::string, std::string> outputs;  // of atc, by the name of a file

 private:
  double remaining_seconds() const;

  const Options& options_;
  const Surroundings& surroundings_;
  const std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
  std::string given_up_;
};

// Every case of every chosen operator on the device: {"tolerance", "counts", "operators": [{"operator", "compiler_runs", "cases": [{"name", "status", …}]}]}.
//   passed    within the tolerance of what the reference computes
//   saturated off, but as is predicted of a chip that rounds to 16 bits and has no infinities
//   failed    something else; refused by atc without having been predicted to be; or its process crashed or hung
//   refused   by atc, as predicted
//   excluded  not judged, with the reason
//   skipped   what the chip does not have at all
//   not_run
Json run_conformance(Work& work, const std::vector<Op>& operators, const std::string& soc);

// How many runs of the compiler that takes.
size_t compiler_runs(const std::vector<Op>& operators);

// "1 case", "2 cases".
std::string counted(size_t number, const char* what);

}  // namespace ropeway::selftest
