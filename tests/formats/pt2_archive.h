// Reads the golden .pt2 files, whole or with something changed in them.
#pragma once

#include <filesystem>
#include <functional>
#include <map>

#include "base/file.h"
#include "formats/npy.h"
#include "formats/pt2/json.h"
#include "formats/pt2/pt2.h"
#include "formats/zip.h"
#include "ir/verify.h"
#include "support/errors.h"
#include "zip_writer.h"

namespace ropeway::pt2_test {

using Entries = std::map<std::string, std::string>;  // by name without the root folder

inline std::filesystem::path golden(const std::string& name) { return std::filesystem::path(ROPEWAY_TEST_DATA) / "golden/pt2" / name; }

inline Graph read_golden(const std::string& name, const ReadOptions& options = {}) {
  const File file(golden(name));
  EXPECT_TRUE(recognises_pt2(file)) << name;
  Graph graph = read_pt2(file, options);
  verify(graph);
  return graph;
}

inline Entries entries_of(const std::string& name) {
  const File file(golden(name));
  const ZipArchive zip(file);
  Entries result;
  for (const ZipEntry& entry : zip.entries()) result[entry.name.substr(entry.name.find('/') + 1)] = std::string(zip.read(entry).text());
  return result;
}

inline std::string packed(const Entries& entries, const std::string& root = "archive/") {
  std::vector<zip_test::Member> members;
  for (const auto& [name, data] : entries) members.push_back(zip_test::stored(root + name, data));
  return zip_test::archive(std::move(members));
}

inline Graph read_bytes(const std::string& bytes, const ReadOptions& options = {}) {
  const test::TestFolder folder;
  write_file(folder / "model.pt2", bytes);
  const File file(folder / "model.pt2");
  Graph graph = read_pt2(file, options);
  verify(graph);
  return graph;
}

// A golden file with its description, or a configuration of weights, changed.
inline Entries edited(const std::string& name, const std::function<void(Json&)>& edit, const std::string& entry = "models/model.json") {
  Entries entries = entries_of(name);
  Json json = Json::parse(entries.at(entry));
  edit(json);
  entries[entry] = json.dump();
  return entries;
}

}  // namespace ropeway::pt2_test
