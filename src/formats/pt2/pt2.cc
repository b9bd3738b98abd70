#include "formats/pt2/pt2.h"

#include "base/text.h"
#include "formats/pt2/importer.h"

namespace ropeway {
namespace {

constexpr int64_t kSchemaMajor = 8;

}  // namespace

bool recognises_pt2(const File& file) { return ZipArchive::recognises(file); }

Graph read_pt2(const File& file, const ReadOptions& options) {
  pt2::Archive archive(file);
  const Json program = archive.model();
  return reading("the model's description", [&] {
    const int64_t major = program.at("schema_version").at("major").get<int64_t>();
    if (major != kSchemaMajor) fail(ErrorCode::unsupported, "the file has schema {}; {} can be read. Save it with a PyTorch that writes {}", major, kSchemaMajor, kSchemaMajor);
    return pt2::Importer(program, archive, file, options).run();
  });
}

}  // namespace ropeway
