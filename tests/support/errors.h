// What tests of errors and of files share.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "ropeway/error.h"

namespace ropeway::test {

// A folder of its own for a test, removed with it.
class TestFolder {
 public:
  TestFolder() {
    std::string pattern = ::testing::TempDir() + "ropeway_test_XXXXXX";
    path_ = mkdtemp(pattern.data());
  }
  ~TestFolder() { std::filesystem::remove_all(path_); }
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

// The error with which `action` ends; a failure of the test, when it does not.
template <class Action>
Error error_of(Action&& action) {
  try {
    action();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "no error";
  return Error(ErrorCode::internal, "");
}

template <class Action>
void expect_error(Action&& action, ErrorCode code, const std::string& part) {
  const Error error = error_of(action);
  EXPECT_STREQ(name(error.code()), name(code)) << error.what();
  EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what() << "\nlacks: " << part;
}

}  // namespace ropeway::test
