// What says who somebody is, taken out of text.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "cann/machine.h"

namespace ropeway::selftest {

class Redactor {
 public:
  // For this process: its user's names and homes, and the host's name, by the system and by `variables`.
  static Redactor here(const std::map<std::string, std::string>& variables);
  Redactor(std::set<std::string> homes, std::set<std::string> users, std::set<std::string> hosts);

  // Home folders, this user's and any other below /home, become ~; the names of user and host USER and HOST, as whole words; what is called a serial number, and entries of
  // LD_LIBRARY_PATH, PYTHONPATH and PATH that have nothing to do with CANN, go.
  std::string operator()(const std::string& text) const;
  // The same for every text in a JSON document; names of members stay.
  std::string json(const std::string& document) const;

 private:
  std::vector<std::string> homes_;  // the longest first
  std::vector<std::pair<std::string, std::string>> words_;  // a name, and what stands for it
};

}  // namespace ropeway::selftest
