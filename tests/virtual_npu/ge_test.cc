// CANN's C++ functions that compile in process, from a program that is linked for CANN.
#include "base/process.h"
#include "support/errors.h"

namespace ropeway {
namespace {

TEST(Ge, CompilesInProcessAndSaysWhatIsWrong) {
  const test::TestFolder folder;
  const ProcessResult result = run_process({ROPEWAY_GE_PROGRAM, ROPEWAY_TEST_DATA "/golden/onnx/lenet.legacy13.onnx", (folder / "out").string()}, folder.path(), 60);
  ASSERT_EQ(result.status, 0) << result.output;
  std::istringstream lines(result.output);
  // Step and code, and a part of the text; none when it went well. 4294967295: GRAPH_FAILED; 50331649: GRAPH_PARAM_INVALID.
  for (const auto& [begin, part] : std::vector<std::pair<std::string, std::string>>{
           {"parse: 0 -", ""},
           {"build too early: 50331649 ", "aclgrphBuildModel: aclgrphBuildInitialize has not been called"},
           {"initialise badly: 50331649 ", "does not have this option: =;"},
           {"initialise badly: 50331649 ", "does not have this option: ge.noSuchOption=1; this function has ge.socVersion (SOC_VERSION), "},
           {"initialise badly: 50331649 ", "OP_SELECT_IMPL_MODE=high_precision"},
           {"initialise badly: 4294967295 ", "there is no virtual Ascend910A"},
           {"initialise: 0 -", ""},
           {"parse nothing: 50331649 ", "null pointer"},
           {"parse 0 bytes: 50331649 ", "0 bytes"},
           {"parse with an option: 50331649 ", "option: in_nodes=x; this function has none"},
           {"build nothing: 50331649 ", "nothing has been parsed"},
           {"build with an option: 50331649 ", "option: input_format=NHWC; this function has input_shape (INPUT_SHAPE)"},
           {"build a wrong shape: 4294967295 ", "no ':' between name and sizes"},
           {"parse rubbish: 0 -", ""},
           {"build rubbish: 4294967295 ", ""},
           {"save nothing: 50331649 ", "null pointer"},
           {"build: 0 -", ""},
           {"save nowhere: 4294967295 ", "/nowhere"},
           {"save: 0 -", ""},
           {"saved is the same: 1 -", ""},
           {"load: 0 -", ""},
           {"build too late: 50331649 ", "aclgrphBuildModel: aclgrphBuildInitialize has not been called"},
       }) {
    std::string line;
    ASSERT_TRUE(std::getline(lines, line)) << "no line for " << begin;
    EXPECT_TRUE(line.starts_with(begin)) << line << "\nis not " << begin;
    EXPECT_NE(line.find(part), std::string::npos) << line << "\nlacks: " << part;
  }
}

}  // namespace
}  // namespace ropeway
