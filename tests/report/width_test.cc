#include "report/width.h"

#include <gtest/gtest.h>

namespace ropeway {
namespace {

TEST(Width, CountsColumnsNotBytes) {
  EXPECT_EQ(display_width(""), 0u);
  EXPECT_EQ(display_width("Conv2d"), 6u);
  EXPECT_EQ(display_width("é…×"), 3u);
  EXPECT_EQ(display_width("模型"), 4u);
  EXPECT_EQ(display_width("🚡"), 2u);
  EXPECT_EQ(display_width("e\u0301"), 1u);
  EXPECT_EQ(display_width("\xff\xc3"), 2u);  // no UTF-8
}

TEST(Width, ShortensAtTheEnd) {
  EXPECT_EQ(shortened("abcdef", 6), "abcdef");
  EXPECT_EQ(shortened("abcdef", 4), "abc…");
  EXPECT_EQ(shortened("模型模型", 5), "模型…");
  EXPECT_EQ(shortened("模型模型", 4), "模…");  // half a character cannot be shown
  EXPECT_EQ(shortened("abc", 1), "…");
  EXPECT_EQ(shortened("abc", 0), "");
}

TEST(Width, ShortensPathsAtTheFront) {
  EXPECT_EQ(shortened_front("layer1.conv2", 12), "layer1.conv2");
  EXPECT_EQ(shortened_front("layer1.conv2", 7), "….conv2");
  EXPECT_EQ(shortened_front("模型模型", 4), "…型");
  EXPECT_EQ(shortened_front("abc", 0), "");
}

TEST(Width, Aligns) {
  EXPECT_EQ(left_aligned("é", 3), "é  ");
  EXPECT_EQ(right_aligned("模", 3), " 模");
  EXPECT_EQ(left_aligned("long", 2), "long");
  EXPECT_EQ(right_aligned("long", 2), "long");
}

}  // namespace
}  // namespace ropeway
