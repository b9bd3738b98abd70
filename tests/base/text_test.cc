#include "base/text.h"

#include <gtest/gtest.h>

#include "base/env.h"

namespace ropeway {
namespace {

TEST(Error, CarriesItsNotes) {
  Error error(ErrorCode::invalid_model, "damaged");
  EXPECT_STREQ(error.what(), "damaged");
  error.add_note("while importing node conv1");
  error.add_note("while reading resnet.pt2");
  EXPECT_EQ(error.message(), "damaged");
  EXPECT_STREQ(error.what(), "damaged\n  while importing node conv1\n  while reading resnet.pt2");
  EXPECT_EQ(error.notes().size(), 2u);
  EXPECT_EQ(error.code(), ErrorCode::invalid_model);
}

TEST(Error, CodesHaveNames) {
  EXPECT_STREQ(name(ErrorCode::invalid_argument), "invalid_argument");
  EXPECT_STREQ(name(ErrorCode::out_of_memory), "out_of_memory");
}

TEST(Error, FailFormats) {
  try {
    fail(ErrorCode::io, "cannot write {}: {}", "a", 3);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::io);
    EXPECT_EQ(error.message(), "cannot write a: 3");
  }
  EXPECT_NO_THROW(ensure(true, "never"));
  EXPECT_THROW(ensure(false, "always"), Error);
}

TEST(Text, Lists) {
  const std::vector<std::string> words = {"a", "b", "c"};
  EXPECT_EQ(listed({}), "");
  EXPECT_EQ(listed(std::span(words).first(1)), "a");
  EXPECT_EQ(listed(std::span(words).first(2)), "a and b");
  EXPECT_EQ(listed(words), "a, b and c");
}

TEST(Text, NearestWord) {
  const std::vector<std::string> models = {"alexnet", "lenet", "resnet34"};
  EXPECT_EQ(nearest("alexnt", models), "alexnet");
  EXPECT_EQ(nearest("lenet5", models), "lenet");
  EXPECT_EQ(nearest("resnet43", models), "resnet34");
  EXPECT_EQ(nearest("vgg16", models), "");
  EXPECT_EQ(nearest("", models), "");
  EXPECT_EQ(nearest("alexnet", {}), "");
}

TEST(Text, Splits) {
  EXPECT_EQ(split("a,b,,c", ','), (std::vector<std::string>{"a", "b", "", "c"}));
  EXPECT_EQ(split("", ','), std::vector<std::string>{""});
  EXPECT_EQ(split("a,", ','), (std::vector<std::string>{"a", ""}));
}

TEST(Text, ReadableBytes) {
  EXPECT_EQ(readable_bytes(0), "0 B");
  EXPECT_EQ(readable_bytes(999), "999 B");
  EXPECT_EQ(readable_bytes(1500), "1.5 kB");
  EXPECT_EQ(readable_bytes(244.4e6), "244.4 MB");
  EXPECT_EQ(readable_bytes(5e15), "5000.0 TB");
}

TEST(Environment, UnsetAndEmptyAreNothing) {
  setenv("ROPEWAY_TEST_VARIABLE", "", 1);
  EXPECT_FALSE(environment("ROPEWAY_TEST_VARIABLE"));
  setenv("ROPEWAY_TEST_VARIABLE", "x", 1);
  EXPECT_EQ(environment("ROPEWAY_TEST_VARIABLE"), "x");
  unsetenv("ROPEWAY_TEST_VARIABLE");
  EXPECT_FALSE(environment("ROPEWAY_TEST_VARIABLE"));
  EXPECT_GE(available_processors(), 1);
}

}  // namespace
}  // namespace ropeway
