// How the server will read a text: the settings that change what bytes mean before the grammar sees
// them (threats: a client_encoding with 0x5C as a trail byte, standard_conforming_strings = off).
// A session knows its dialect from ParameterStatus, which comes only before ReadyForQuery; between
// the two a pipelined message may have changed it, so a dialect also says whether it is certain.
#pragma once

#include <cstdint>
#include <string_view>

namespace pgmoat::sql {

// How PostgreSQL cuts client bytes into characters, as far as it matters to reading SQL.
enum class Encoding : std::uint8_t {
  utf8,
  sql_ascii,    // no conversion: the server's own encoding decides; read as UTF-8, else bytes
  single_byte,  // LATINn, WINnnnn, ISO_8859_n, KOI8*: every byte is a character
  euc,          // EUC_*, MULE_INTERNAL: all bytes of a multibyte character are above 127
  sjis,
  shift_jis_2004,
  big5,
  gbk,
  uhc,
  johab,
  gb18030,
  unknown,  // a name that we do not know: nothing can be read
};

struct Dialect {
  bool standard_conforming_strings = true;
  Encoding encoding = Encoding::utf8;
  // The encoding's PostgreSQL name in the form of ParameterStatus ("LATIN1"); static storage.
  std::string_view encoding_name = "UTF8";
  // A walsender: texts that begin with a replication command (IDENTIFY_SYSTEM, START_REPLICATION, ...)
  // are read by a grammar of their own and become facts of kind `other` with that command.
  bool replication = false;

  bool operator==(const Dialect&) const = default;
};

// The dialect's encoding by any spelling PostgreSQL takes: case and every character that is no
// letter or digit are ignored ("utf-8", "UNICODE"). Encoding::unknown where it is none.
void set_encoding(Dialect& dialect, std::string_view name);

// Whether ASCII bytes from 0x30 up may be the second byte of a character: then the bytes of a
// literal can hide its end.
bool has_ascii_trail_bytes(Encoding encoding);

}  // namespace pgmoat::sql
