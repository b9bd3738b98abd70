// Operators of a file that nothing here can run, all of them in one error.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "ir/graph.h"

namespace ropeway {

class MissingOperators {
 public:
  void add(const std::string& name, const Origin& origin);
  // Throws Error{unsupported} that names each operator, how many nodes have it, and the first of them. `file`: what to call the file.
  void fail_if_any(const std::string& file, const std::string& remedy) const;

 private:
  std::map<std::string, std::pair<int, std::string>> found_;  // number of nodes, the first
};

}  // namespace ropeway
