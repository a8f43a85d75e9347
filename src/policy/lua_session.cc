// s and sum: the session as Lua sees it.
#include "policy/lua_objects.h"

namespace pgmoat::policy {

namespace {

using script::Push;

const SessionObject& session(const void* self) { return *static_cast<const SessionObject*>(self); }

template <SessionField Field>
void get_field(const void* self, Push& push) {
  const SessionObject& s = session(self);
  s.reads->field(Field);
  push.text(s.session->get(Field));
}

void get_ip(const void* self, Push& push) {
  session(self).reads->field(SessionField::client);
  push.text(session(self).session->client_ip());
}
void get_port(const void* self, Push& push) {
  session(self).reads->field(SessionField::id);  // no two sessions share one
  push.integer(session(self).session->client_port());
}

template <std::string TlsFacts::*Member>
void get_tls_text(const void* self, Push& push) {
  push.text(session(self).session->tls()->*Member);
}

void get_names(const void* self, Push& push) {
  push.list(self, session(self).session->tls()->names.size(),
            [](const void* of, std::size_t at, Push& to) {
              to.text(session(of).session->tls()->names[at]);
            });
}

const script::ObjectType& certificate_type() {
  using F = TlsFacts;
  static const script::ObjectType type = {
      "certificate",
      "pgmoat.Certificate",
      {{"subject", "string", "Its subject, as RFC 2253 writes it.", get_tls_text<&F::subject>},
       {"common_name", "string", "The last CN of the subject.", get_tls_text<&F::common_name>},
       {"names", "string[]", "Its DNS names, e-mail addresses, URIs and IP addresses.", get_names},
       {"issuer", "string", "Who signed it.", get_tls_text<&F::issuer>},
       {"serial", "string", "Its serial number, hex.", get_tls_text<&F::serial>},
       {"digest", "string", "SHA-256 of it, hex.", get_tls_text<&F::digest>}},
      {},
      nullptr};
  return type;
}

void get_certificate(const void* self, Push& push) {
  if (session(self).session->tls()->digest.empty()) return push.nil();
  push.object(certificate_type(), self);
}

const script::ObjectType& tls_type() {
  using F = TlsFacts;
  static const script::ObjectType type = {
      "tls",
      "pgmoat.Tls",
      {{"version", "string", "\"TLSv1.2\" or \"TLSv1.3\".", get_tls_text<&F::version>},
       {"cipher", "string", "The cipher suite.", get_tls_text<&F::cipher>},
       {"sni", "string", "The name that the client asked for.", get_tls_text<&F::sni>},
       {"certificate", "pgmoat.Certificate?", "The client's certificate; nil without one.",
        get_certificate}},
      {},
      nullptr};
  return type;
}

// The one read of the field: what hangs below is reached from here only.
void get_tls(const void* self, Push& push) {
  session(self).reads->field(SessionField::tls);
  if (session(self).session->tls() == nullptr) return push.nil();
  push.object(tls_type(), self);
}

const script::ObjectType& client_type() {
  static const script::ObjectType type = {
      "client",
      "pgmoat.Client",
      {{"ip", "string", "The client's address; \"\" of a local socket.", get_ip},
       {"port", "integer", "The client's port.", get_port},
       {"tls", "pgmoat.Tls?", "Of its connection; nil in the clear.", get_tls}},
      {},
      nullptr};
  return type;
}

void get_client(const void* self, Push& push) { push.object(client_type(), self); }

void get_method(const void* self, Push& push) {
  session(self).reads->field(SessionField::method);
  push.text(session(self).session->get(SessionField::method));
}

const script::ObjectType& auth_type() {
  static const script::ObjectType type = {
      "auth",
      "pgmoat.Auth",
      {{"method", "string",
        "\"scram-sha-256\", \"md5\", \"password\", \"cert\", \"trust\", \"pass-through\"; \"\" at "
        "connect.",
        get_method}},
      {},
      nullptr};
  return type;
}

void get_auth(const void* self, Push& push) { push.object(auth_type(), self); }

void get_role(const void* self, Push& push) {
  const SessionObject& s = session(self);
  s.reads->field(SessionField::role);
  const std::string_view role =
      s.question->swapped ? SessionView::kUnknownRole : s.session->get(SessionField::role);
  if (!role.empty() && role != "none") return push.text(role);
  s.reads->field(SessionField::user);
  push.text(s.session->get(SessionField::user));
}

void get_transaction(const void* self, Push& push) {
  const SessionObject& s = session(self);
  s.reads->field(SessionField::transaction);
  const char status = s.session->transaction();
  if (s.question->turned || status == SessionView::kUnknownTransaction) return push.text("unknown");
  push.text(status == 'I' ? "idle" : status == 'T' ? "in_transaction" : "failed");
}

void get_replication(const void* self, Push& push) {
  push.boolean(session(self).question->replication);
}

void find_guc(const void* self, std::string_view name, Push& push) {
  const SessionObject& s = session(self);
  s.reads->field(SessionField::guc);
  if (!s.session->has_guc(name)) return push.nil();
  push.text(s.session->guc(name));
}

const script::ObjectType& guc_type() {
  static const script::ObjectType type = {"settings", "pgmoat.Settings", {}, {}, find_guc};
  return type;
}

void get_guc(const void* self, Push& push) { push.object(guc_type(), self); }

void call_has(const void* self, const std::vector<std::string_view>& names, Push& push) {
  session(self).reads->field(SessionField::tags);
  push.boolean(!names.empty() && session(self).session->has_tag(names.front()));
}

void get_all(const void* self, Push& push) {
  session(self).reads->field(SessionField::tags);
  push.list(
      self, session(self).session->tags().size(),
      [](const void* of, std::size_t at, Push& to) { to.text(session(of).session->tags()[at]); });
}

const script::ObjectType& tags_type() {
  static const script::ObjectType type = {
      "tags",
      "pgmoat.Tags",
      {{"all", "string[]", "Every tag, in the order they were given.", get_all}},
      {{"has", "fun(self: pgmoat.Tags, name: string): boolean",
        "Whether a rule gave the session this tag.", call_has}},
      nullptr};
  return type;
}

void get_tags(const void* self, Push& push) { push.object(tags_type(), self); }

void get_statements(const void* self, Push& push) {
  session(self).reads->unstable = true;
  push.integer(static_cast<std::int64_t>(session(self).session->statements));
}
void get_refused(const void* self, Push& push) {
  session(self).reads->unstable = true;
  push.integer(static_cast<std::int64_t>(session(self).session->refused));
}

}  // namespace

const script::ObjectType& session_type() {
  using F = SessionField;
  static const script::ObjectType type = {
      "session",
      "pgmoat.Session",
      {{"id", "string", "Random, and never equal between sessions.", get_field<F::id>},
       {"user", "string", "The user that the session logged in as.", get_field<F::user>},
       {"database", "string", "The database.", get_field<F::database>},
       {"application_name", "string", "What the client calls itself: a hint, not proof.",
        get_field<F::application>},
       {"role", "string",
        "The role in effect: that of SET ROLE, else the user; \"?\" where it is not known.",
        get_role},
       {"server_version", "string", "The server's version, as it says; \"\" before login.",
        get_field<F::server>},
       {"client", "pgmoat.Client", "Where the client is.", get_client},
       {"auth", "pgmoat.Auth", "How it has logged in.", get_auth},
       {"transaction", "\"idle\"|\"in_transaction\"|\"failed\"|\"unknown\"",
        "The state of the transaction before the message.", get_transaction},
       {"replication", "boolean", "The session speaks the replication protocol.", get_replication},
       {"guc", "pgmoat.Settings", "Tracked settings: s.guc[\"app.tenant\"]; nil where not known.",
        get_guc},
       {"tags", "pgmoat.Tags", "What rules have tagged the session with.", get_tags},
       {"statements", "integer", "Statements judged so far; its reader is never cached.",
        get_statements}},
      {},
      nullptr};
  return type;
}

const script::ObjectType& summary_type() {
  static const script::ObjectType type = {
      "summary",
      "pgmoat.Summary",
      {{"statements", "integer", "Statements judged in the session.", get_statements},
       {"refused", "integer", "Refusals in the session.", get_refused}},
      {},
      nullptr};
  return type;
}

std::vector<const script::ObjectType*> session_types() {
  return {&session_type(),     &client_type(), &auth_type(), &tls_type(),
          &certificate_type(), &guc_type(),    &tags_type(), &summary_type()};
}

}  // namespace pgmoat::policy
