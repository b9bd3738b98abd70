#include "selftest/redact.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace ropeway::selftest {
namespace {

const Redactor kRedact({"/home/alice", "/data/homes/alice/", "/"}, {"alice", "root", ""}, {"alices-board", "alices-board.example.org"});

TEST(Redactor, HomesAndNames) {
  EXPECT_EQ(kRedact("/home/alice/Ascend/latest"), "~/Ascend/latest");
  EXPECT_EQ(kRedact("'/data/homes/alice'"), "'~'");
  EXPECT_EQ(kRedact("owned by alice, on alices-board.example.org"), "owned by USER, on HOST");
  EXPECT_EQ(kRedact("/srv/alice/models"), "/srv/USER/models");
  EXPECT_EQ(kRedact("malice, alice2 and alice_"), "malice, alice2 and alice_");
  EXPECT_EQ(kRedact("/home/bob/x:/home/carol"), "~/x:~") << "other people's";
  const std::string home_of_root = fmt::format("/{}", "root");
  EXPECT_EQ(kRedact(home_of_root + "/ascend/log, the root folder, /rootfs, /var/root"), "~/ascend/log, the root folder, /rootfs, /var/root");
  EXPECT_EQ(kRedact("/usr/local/Ascend/driver"), "/usr/local/Ascend/driver");
}

TEST(Redactor, SerialNumbersAndOtherFolders) {
  EXPECT_EQ(kRedact("Serial Number : 0233ABC987\nChip 0"), "Serial Number : (removed)\nChip 0");
  EXPECT_EQ(kRedact("serial=77"), "serial=(removed)");
  EXPECT_EQ(kRedact("export LD_LIBRARY_PATH=/opt/secret/lib:/usr/local/Ascend/lib64:$LD_LIBRARY_PATH now"), "export LD_LIBRARY_PATH=…:/usr/local/Ascend/lib64:$LD_LIBRARY_PATH now");
}

TEST(Redactor, OfJsonTheTextsAlone) {
  const Redactor redact({"/home/status"}, {"status"}, {});
  const auto result = nlohmann::json::parse(redact.json(R"({"status": "status is status", "list": [{"path": "/home/status/x"}, 7, null, true]})"));
  EXPECT_EQ(result, nlohmann::json::parse(R"({"status": "USER is USER", "list": [{"path": "~/x"}, 7, null, true]})"));
}

TEST(Redactor, OfThisProcess) {
  const Redactor redact = Redactor::here({{"HOME", "/x/eve"}, {"SUDO_USER", "mallory"}, {"HOSTNAME", "box.example.org"}});
  EXPECT_EQ(redact("/x/eve/y mallory box box.example.org"), "~/y USER HOST HOST");
}

}  // namespace
}  // namespace ropeway::selftest
