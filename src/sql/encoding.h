// Client bytes as PostgreSQL cuts them into characters, and the same text in UTF-8. What matters is
// that no byte of a character is ever taken for a quote or a backslash: in SJIS, BIG5, GBK and their
// kin the second byte may look like one. A character whose form is legal but that iconv does not know
// becomes a private-use character, so the lexer's view stays exact.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "sql/dialect.h"

namespace pgmoat::sql {

// As pg_utf8_islegal: no overlong forms, no surrogates, nothing above U+10FFFF. NUL is legal here.
bool valid_utf8(std::string_view text);

// The text itself where nothing changes, else `storage`; or one sentence why it cannot be read.
// A NUL is such a reason under any encoding.
Result<std::string_view, std::string> to_utf8(std::string_view text, const Dialect& dialect,
                                              std::string& storage);

// Whether every character of the text has a form that the encoding allows, and none is NUL.
bool is_legal(std::string_view text, const Dialect& dialect);

// Some byte above 127 is followed by one that may be an ASCII trail byte: under another client
// encoding the text may be cut differently.
bool depends_on_encoding(std::string_view text);

}  // namespace pgmoat::sql
