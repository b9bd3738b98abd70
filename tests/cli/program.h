// Runs the program as a user would: a line typed into a shell, in a folder of the test's own.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdlib>
#include <set>
#include <string>

#include "formats/npy.h"
#include "formats/onnx_writer.h"
#include "support/cases.h"
#include "support/errors.h"

namespace ropeway::cli_test {

namespace fs = std::filesystem;
using test::close_to;
using test::read_text;

struct Outcome {
  int status = 0;  // as a shell has it: 128 and more for a signal
  std::string out, err;
};

inline std::string quoted(const fs::path& path) { return "'" + path.string() + "'"; }

// The path of a golden ONNX model or of its tensors, quoted for the shell.
inline std::string golden(const std::string& name) { return quoted(fs::path(ROPEWAY_TEST_DATA) / "golden/onnx" / name); }
inline Tensor golden_tensor(const std::string& name) { return read_npy(fs::path(ROPEWAY_TEST_DATA) / "golden/onnx" / name); }

class Program : public ::testing::Test {
 protected:
  Program() { fs::create_directory(folder()); }

  fs::path folder() const { return whole_ / "work"; }
  fs::path file(const std::string& name) const { return folder() / name; }
  // Words such as "HOME=/x" that stand before the program for all that follows.
  void set_environment(std::string words) { environment_ = std::move(words); }

  // Redirections in `arguments` win over those to the files that are read here.
  Outcome ropeway(const std::string& arguments) const {
    const std::string command = fmt::format("cd {} && exec env {} {} > {} 2> {} < /dev/null {}", quoted(folder()), environment_, quoted(ROPEWAY_PROGRAM), quoted(whole_ / "out"), quoted(whole_ / "err"), arguments);
    const int status = std::system(command.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), read_text(whole_ / "out"), read_text(whole_ / "err")};
  }

  // The program ends well and says nothing on standard error.
  Outcome succeeds(const std::string& arguments) const {
    const Outcome outcome = ropeway(arguments);
    EXPECT_EQ(outcome.status, 0) << arguments << "\n" << outcome.err;
    EXPECT_EQ(outcome.err, "") << arguments;
    return outcome;
  }

  // The program ends with `status`, says so in one message that has these parts, and leaves no file behind that was not there.
  Outcome fails(const std::string& arguments, int status, const std::vector<std::string>& parts) const {
    const std::set<std::string> before = files();
    const Outcome outcome = ropeway(arguments);
    EXPECT_EQ(outcome.status, status) << arguments << "\n" << outcome.err;
    EXPECT_TRUE(outcome.err.starts_with("ropeway: ")) << outcome.err;
    EXPECT_EQ(outcome.err.find("ropeway: ", 1), std::string::npos) << "more than one message: " << outcome.err;
    for (const std::string& part : parts) EXPECT_NE(outcome.err.find(part), std::string::npos) << arguments << "\n" << outcome.err << "lacks: " << part;
    EXPECT_EQ(files(), before) << arguments;
    return outcome;
  }

  // Everything in the folder, with / behind the name of a folder.
  std::set<std::string> files() const {
    std::set<std::string> names;
    for (const auto& entry : fs::recursive_directory_iterator(folder())) names.insert(fs::relative(entry.path(), folder()).string() + (entry.is_directory() ? "/" : ""));
    return names;
  }

  // y = a - b, which shows when they are swapped. A size that is a word is open.
  std::string write_difference(const std::string& size = "2", int32_t dtype = 1) const {
    using namespace onnx_test;
    write_file(file("difference.onnx"), model({{node("Sub", {"a", "b"}, {"y"})}, {}, {value_info("a", {{size}}, dtype), value_info("b", {{size}}, dtype)}, {"y"}}));
    return "difference.onnx";
  }
  template <class T>
  void write_vector(const std::string& name, const std::vector<T>& elements) const {
    write_npy(file(name), Tensor::of<T>({std::ssize(elements)}, elements));
  }

 private:
  const test::TestFolder whole_;
  std::string environment_;
};

inline size_t count(const std::string& text, const std::string& part) {
  size_t found = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++found;
  return found;
}

}  // namespace ropeway::cli_test
