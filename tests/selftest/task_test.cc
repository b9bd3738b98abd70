// Tasks on the virtual NPU, in this process.
#include "selftest/task.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "selftest/symbols.h"
#include "ascend/small_model.h"
#include "support/environment.h"
#include "support/errors.h"

namespace ropeway::selftest {
namespace {

using Json = nlohmann::json;

class Tasks : public ::testing::Test {
 protected:
  static Json answer(const Task& task) { return Json::parse(run_task(task, {.device = "virtual-npu"})); }
  const test::ScopedVariable home_{"ROPEWAY_VIRTUAL_HOME", ROPEWAY_VIRTUAL_HOME};
};

TEST_F(Tasks, AsText) {
  for (const char* text : {"device", "copies", "model:lenet", "cases:Conv:plain,grouped"}) EXPECT_EQ(to_string(task_of(text)), text);
  for (const char* text : {"", "devices", "x:y"}) test::expect_error([&] { task_of(text); }, ErrorCode::invalid_argument, "is no task");
}

TEST_F(Tasks, TheDevice) {
  const Json device = answer({Task::Kind::device});
  EXPECT_EQ(device["soc"], "Ascend310B1");
  EXPECT_EQ(device["predicted"], true);
  EXPECT_EQ(device["mode"], "card");
  EXPECT_EQ(device["compiler"], true);
}

TEST_F(Tasks, Cases) {
  const Json cases = answer({Task::Kind::cases, "Softmax", {"last", "infinities"}});
  EXPECT_EQ(answer({Task::Kind::cases, "Softmax", {"nothing"}})["failed"]["code"], "invalid_argument");
  ASSERT_TRUE(cases.contains("cases")) << cases;
  ASSERT_EQ(cases["cases"].size(), 2u);
  EXPECT_EQ(cases["cases"][0]["name"], "last");
  EXPECT_GT(cases["cases"][0]["error"], 1e-5) << "that would be fp32";
  EXPECT_LT(cases["cases"][0]["error"], 1e-2);
  EXPECT_TRUE(cases["cases"][1]["error"].is_null()) << "no infinities on a chip that saturates";
}

TEST_F(Tasks, WhatAtcRefusesIsToldInItsWords) {
  const Json failed = answer({Task::Kind::cases, "Unary", {"relu", "abs_integers"}})["failed"];
  EXPECT_EQ(failed["stage"], "compile");
  EXPECT_EQ(failed["code"], "device");
  EXPECT_NE(failed["output"].get<std::string>().find("No supported Ops kernel and engine are found for [abs_integers."), std::string::npos) << failed;
}

TEST_F(Tasks, Copies) {
  const Json copies = answer({Task::Kind::copies});
  ASSERT_EQ(copies["sizes"].size(), 5u) << copies;
  for (const Json& each : copies["sizes"]) {
    for (const char* direction : {"to_device_ms", "to_host_ms"}) EXPECT_NEAR(each[direction]["median"], each["predicted_ms"], 1e-5) << each;
  }
  // The line through them gives back the constants that they were predicted with.
  EXPECT_NEAR(copies["to_device"]["us"], copies["predicted"]["us"], 0.1);
  EXPECT_NEAR(copies["to_host"]["gb_per_s"], copies["predicted"]["gb_per_s"], 0.01);
}

TEST_F(Tasks, AModel) {
  const Json lenet = answer({Task::Kind::model, "lenet"});
  ASSERT_TRUE(lenet.contains("rows")) << lenet;
  EXPECT_GT(lenet["output"]["error"], 1e-5) << "that would be fp32";
  EXPECT_LT(lenet["output"]["error"], 1e-2);
  EXPECT_GT(lenet["output"]["cosine"], 0.9999);
  EXPECT_EQ(lenet["output"]["first_difference"], -1);
  ASSERT_EQ(lenet["rows"].size(), 5u);
  double sum = 0;
  for (const Json& row : lenet["rows"]) {
    EXPECT_NEAR(row["device_ms"]["median"], row["predicted_ms"], 1e-5) << row;
    sum += row["predicted_ms"].get<double>();
  }
  EXPECT_NEAR(lenet["predicted"]["sum_of_rows_ms"], sum, 1e-5);
  EXPECT_NEAR(lenet["device"]["end_to_end_ms"]["min"], lenet["predicted"]["end_to_end_ms"], 1e-3);
  EXPECT_GT(lenet["device"]["with_copies_ms"]["min"], lenet["device"]["compute_ms"]["min"]);
  EXPECT_EQ(lenet["operators"].size(), 7u);
}

TEST_F(Tasks, Symbols) {
  const std::vector<Symbol> all = symbols_of(*cann::installation_at(ROPEWAY_VIRTUAL_HOME));
  EXPECT_GT(all.size(), 100u);
  for (const Symbol& each : all) EXPECT_EQ(each.found, "libascendcl.so") << each.name;
  const test::TestFolder folder;
  for (const Symbol& each : symbols_of(ascend::scripted_installation(folder / "cann", "exit 1"))) EXPECT_EQ(each.found, "") << each.name;
}

}  // namespace
}  // namespace ropeway::selftest
