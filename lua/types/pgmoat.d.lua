---@meta
-- What policies may write and ask, for lua-language-server. Made by pgmoat from its own tables.

---@class pgmoat.Verdict

---@class pgmoat.Edit

---@alias pgmoat.Mode "off"|"monitor"|"warn"|"enforce"

---@class pgmoat.Session
---@field id string Random, and never equal between sessions.
---@field user string The user that the session logged in as.
---@field database string The database.
---@field application_name string What the client calls itself: a hint, not proof.
---@field role string The role in effect: that of SET ROLE, else the user; "?" where it is not known.
---@field server_version string The server's version, as it says; "" before login.
---@field client pgmoat.Client Where the client is.
---@field auth pgmoat.Auth How it has logged in.
---@field transaction "idle"|"in_transaction"|"failed"|"unknown" The state of the transaction before the message.
---@field replication boolean The session speaks the replication protocol.
---@field guc pgmoat.Settings Tracked settings: s.guc["app.tenant"]; nil where not known.
---@field tags pgmoat.Tags What rules have tagged the session with.
---@field statements integer Statements judged so far; its reader is never cached.

---@class pgmoat.Client
---@field ip string The client's address; "" of a local socket.
---@field port integer The client's port.
---@field tls pgmoat.Tls? Of its connection; nil in the clear.

---@class pgmoat.Auth
---@field method string "scram-sha-256", "md5", "password", "cert", "trust", "pass-through"; "" at connect.

---@class pgmoat.Tls
---@field version string "TLSv1.2" or "TLSv1.3".
---@field cipher string The cipher suite.
---@field sni string The name that the client asked for.
---@field certificate pgmoat.Certificate? The client's certificate; nil without one.

---@class pgmoat.Certificate
---@field subject string Its subject, as RFC 2253 writes it.
---@field common_name string The last CN of the subject.
---@field names string[] Its DNS names, e-mail addresses, URIs and IP addresses.
---@field issuer string Who signed it.
---@field serial string Its serial number, hex.
---@field digest string SHA-256 of it, hex.

---@class pgmoat.Settings
---@field [string] string?

---@class pgmoat.Tags
---@field all string[] Every tag, in the order they were given.
---@field has fun(self: pgmoat.Tags, name: string): boolean Whether a rule gave the session this tag.

---@class pgmoat.Summary
---@field statements integer Statements judged in the session.
---@field refused integer Refusals in the session.

---@class pgmoat.Statement
---@field text string This statement, as it was sent.
---@field length integer Its bytes.
---@field kind string "select", "insert", "update", "delete", "ddl", "set", ...
---@field command string PostgreSQL's command tag: "CREATE TABLE".
---@field writes boolean It changes data, schema, roles or settings.
---@field fingerprint string libpg_query's, 16 hexadecimal digits; it erases constants, so it allows nothing.
---@field structure string pgmoat's structural hash, 16 hexadecimal digits.
---@field normalized string The text with $n for constants.
---@field index integer Which statement of the text it is, from 1.
---@field count integer How many statements the text has.
---@field protocol "simple"|"extended" How the text was sent.
---@field prepared string? The name in PREPARE, EXECUTE, DEALLOCATE.
---@field cursor string? The name in DECLARE, FETCH, CLOSE.
---@field channel string? The channel of LISTEN, NOTIFY.
---@field parsed boolean The text could be read; else facts may be missing.
---@field opaque string? Why it could not be read: "unparsable", "nesting", ...
---@field relations pgmoat.Relation[] Every relation named; names of CTEs are not.
---@field columns pgmoat.Column[] Every column reference.
---@field functions pgmoat.Function[] Every function that is or may be called.
---@field literals pgmoat.Literal[] Every constant.
---@field set pgmoat.Setting[] Every setting that it changes.
---@field roles string[] Roles that SET ROLE, GRANT, ALTER ROLE, OWNER TO, ... name.
---@field clauses string[] Clauses of CREATE and ALTER ROLE ("superuser") and of ALTER TABLE ("drop column").
---@field bodies pgmoat.Body[] Bodies of DO, CREATE FUNCTION, CREATE PROCEDURE.
---@field object_names string[] What DDL names that is no relation.
---@field extensions string[] Extensions and libraries named.
---@field where pgmoat.Where About the WHERE clauses.
---@field limit pgmoat.Limit About LIMIT.
---@field copy pgmoat.CopyStatement About COPY.
---@field params pgmoat.ParameterCount About its parameters.
---@field dynamic_sql boolean It runs SQL that is not constant.
---@field security_definer boolean It makes a function SECURITY DEFINER.
---@field star boolean It selects *.
---@field returning boolean It has RETURNING.
---@field locking boolean It has FOR UPDATE or kin.
---@field joins integer Joins in it.
---@field depth integer How deep sub-selects are nested.
---@field ctes integer WITH queries in it.
---@field set_ops integer UNION, INTERSECT and EXCEPT in it.
---@field comments string[] Comments of the text, with their marks.
---@field trace pgmoat.Trace What sqlcommenter left in comments.
---@field sign fun(self: pgmoat.Statement, name: string): boolean Whether it bears this mark of injected SQL: "tautology", "union_catalog", ...

---@class pgmoat.Relation
---@field schema string "" where none is written.
---@field name string The relation's name.
---@field qualified string "schema.name", or "name" where no schema is written.
---@field alias string What the statement calls it; "" where it has no alias.
---@field access string "read", "insert", "update", "delete", "define", "truncate", "lock" or "grant".
---@field via string How it came into the statement: "from", "target", "ddl", ...
---@field nested boolean It is named in a body or in SQL given as text.
---@field resolved "qualified"|"search_path" Whether the schema is written, or depends on the search_path.

---@class pgmoat.Column
---@field relation string The qualifier as written (o in o.id); "" where there is none.
---@field name string The column's name; "*" of a star.
---@field clause string Where it stands: "target", "where", "join", "order", ...
---@field where boolean It stands in a WHERE clause.

---@class pgmoat.Function
---@field schema string "" where none is written.
---@field name string The function's name.
---@field qualified string "schema.name", or "name".
---@field reach string "call", "notation", "column", "operator", "cast", ...
---@field nested boolean It is named in a body or in SQL given as text.
---@field args pgmoat.Argument[] Its arguments, in order.

---@class pgmoat.Argument
---@field constant boolean It is a literal, also behind casts.
---@field value string? Its text; nil where it is not constant.

---@class pgmoat.Literal
---@field value string Its text, without quotes.
---@field type string "string", "integer", "float", "boolean", "bits" or "null".
---@field clause string Where it stands.

---@class pgmoat.Setting
---@field name string? Lower case; nil where it is not constant, "all" of RESET ALL.
---@field value string? nil where it is the default or not constant.
---@field is_default boolean RESET, or TO DEFAULT.
---@field scope string "session", "local", "role", "database", "system" or "function".
---@field nested boolean It is changed in a body or in SQL given as text.

---@class pgmoat.Body
---@field language string "sql", "plpgsql", ...
---@field readable boolean All of it could be read.

---@class pgmoat.Where
---@field present boolean Every UPDATE and DELETE in the statement has a WHERE.
---@field constant_true boolean The WHERE of some UPDATE or DELETE is always true.
---@field tautology boolean Some WHERE, HAVING or ON has an OR arm that is always true.

---@class pgmoat.Limit
---@field kind "none"|"literal"|"param"|"expr" What LIMIT of the outermost SELECT is; LIMIT ALL is none.
---@field value integer? Its value, where it is a literal.

---@class pgmoat.CopyStatement
---@field target "none"|"stdin"|"stdout"|"file"|"program" Where COPY reads or writes; "none" where the statement is no COPY.
---@field direction "from"|"to" Into the table, or out of it.
---@field program string? The program's command line; nil where there is none.
---@field filename string? The server's file; nil where there is none.
---@field format string "text", "csv" or "binary".

---@class pgmoat.ParameterCount
---@field count integer The highest $n.

---@class pgmoat.Trace
---@field traceparent string? Of a sqlcommenter comment; nil where there is none.

---@class pgmoat.Parameters
---@field count integer How many values were bound.
---@field all pgmoat.Parameter[] The values, in order.
---@field [string] string?

---@class pgmoat.Parameter
---@field value string? Its text, also of a binary value; nil where it is null or opaque.
---@field is_null boolean It is NULL.
---@field opaque boolean It is binary and of a type that is not known here.
---@field type integer The type's OID as Parse declared it; 0 where it did not.
---@field length integer Its bytes as sent.
---@field format "text"|"binary" How it was sent.

---@class pgmoat.Result
---@field rows integer Rows sent to the client.
---@field bytes_out integer Bytes sent to the client.
---@field duration number Seconds since the statement was sent.
---@field sqlstate string? Of the error; nil where it succeeded.
---@field tag string The command tag: "UPDATE 5"; "" of an error.

---@class pgmoat.CopyStream
---@field direction "in"|"out" Whether the client sends the data.

---@class pgmoat.Set
---@field has fun(self, word: string): boolean Whether the word is in the set, exactly.

---@class pgmoat.Networks
---@field contains fun(self, address: string): boolean Whether the address lies in one of the networks.

---@class pgmoat.Schedule
---@field active fun(self): boolean Whether now is inside one of the windows.

---@class pgmoat.Map
---@field get fun(self, key: string): string? The key's value, or nil.
---@field has fun(self, key: string): boolean Whether the key has a value.

---@class pgmoat.Pattern
---@field matches fun(self, text: string): boolean Whether the pattern is found in the text; ^ and $ tie it to the ends.
---@field find fun(self, text: string): string? What the first group (without groups: the pattern) has matched first, or nil.
---@field replace fun(self, text: string, with: string): string? The text with every match replaced (\1 is the first group); nil past 64 KiB.

---@class pgmoat.Match
---@field kind "select"|"insert"|"update"|"delete"|"merge"|"copy"|"ddl"|"dcl"|"tcl"|"set"|"show"|"explain"|"call"|"do"|"prepare"|"execute"|"cursor"|"listen"|"vacuum"|"other"|("select"|"insert"|"update"|"delete"|"merge"|"copy"|"ddl"|"dcl"|"tcl"|"set"|"show"|"explain"|"call"|"do"|"prepare"|"execute"|"cursor"|"listen"|"vacuum"|"other")[]|nil What the statement is. WITH d AS (DELETE ...) SELECT is a delete too: it is refused as either, and allowed as both only.
---@field command string|string[]|nil The command tag of PostgreSQL: "CREATE TABLE"; also of a statement in a body, a CTE, or SQL given as text.
---@field writes boolean|string|string[]|nil Whether the statement changes anything; or the relations that it changes.
---@field parsed boolean|nil Whether the grammar could read the text.
---@field opaque boolean|"none"|"oversize"|"encoding"|"comments"|"tokens"|"nesting"|"statements"|"tree"|"unparsable"|"dialect"|("none"|"oversize"|"encoding"|"comments"|"tokens"|"nesting"|"statements"|"tree"|"unparsable"|"dialect")[]|nil The facts may not be all there is, and why.
---@field fingerprint string|string[]|nil libpg_query's fingerprint; it erases constants, so it is no key for an allow-list.
---@field structure string|string[]|nil pgmoat's structural hash.
---@field protocol "simple"|"extended"|("simple"|"extended")[]|nil How the text was sent.
---@field statements integer|string|string[]|nil So many statements in the text.
---@field ["statements.min"] integer|nil At least so many statements in the text.
---@field ["statements.max"] integer|nil At most so many statements in the text.
---@field parameters integer|string|string[]|nil So many parameters ($1, $2).
---@field ["parameters.min"] integer|nil At least so many parameters.
---@field ["parameters.max"] integer|nil At most so many parameters.
---@field signs "tautology"|"union_constants"|"union_catalog"|"cast_of_subquery"|"character_probe"|"delay"|"built_string"|"trailing_comment"|"stacked"|"constant_condition"|"foreign_function"|"error_provoking"|"order_probe"|"subquery_in_values"|"empty_comment"|("tautology"|"union_constants"|"union_catalog"|"cast_of_subquery"|"character_probe"|"delay"|"built_string"|"trailing_comment"|"stacked"|"constant_condition"|"foreign_function"|"error_provoking"|"order_probe"|"subquery_in_values"|"empty_comment")[]|nil Marks that injected SQL leaves in the structure of a statement.
---@field ["score.above"] integer|nil The scores that other rules gave the statement add up to more than this.
---@field text_re2 string|string[]|nil A pattern found in the text; comments and quoting defeat it.
---@field literal_re2 string|string[]|nil A pattern found in a constant.
---@field name_re2 string|string[]|nil A pattern found in a relation's or function's name.
---@field ["comment.key"] string|string[]|nil A key of a sqlcommenter comment.
---@field relations string|string[]|nil A relation that the statement names, for any access.
---@field ["relations.only"] string|string[]|nil Every relation that the statement names is one of these.
---@field reads boolean|string|string[]|nil Whether the statement reads a relation; or the relations that it reads.
---@field columns string|string[]|nil A column: "ssn", "users.ssn", "users.*".
---@field functions string|string[]|nil A function that the statement calls or may call.
---@field ["functions.reach"] "call"|"notation"|"column"|"operator"|"cast"|"definition"|"method"|("call"|"notation"|"column"|"operator"|"cast"|"definition"|"method")[]|nil How a function is reached; with `functions`, by one of those.
---@field ["function.schema"] string|string[]|nil The schema written before a function.
---@field roles string|string[]|nil A role that SET ROLE, GRANT, ALTER ROLE, ... name.
---@field clauses "superuser"|"nosuperuser"|"createdb"|"nocreatedb"|"createrole"|"nocreaterole"|"inherit"|"noinherit"|"login"|"nologin"|"replication"|"noreplication"|"bypassrls"|"nobypassrls"|"password"|"connection limit"|"valid until"|"in role"|"role"|"admin"|"sysid"|"add column"|"drop column"|"alter type"|"set default"|"set not null"|"drop not null"|"add constraint"|"drop constraint"|"owner to"|"set tablespace"|"set logged"|"set unlogged"|"enable trigger"|"disable trigger"|"enable rule"|"disable rule"|"enable row level security"|"disable row level security"|"force row level security"|"no force row level security"|"attach partition"|"detach partition"|"inherit table"|"no inherit table"|("superuser"|"nosuperuser"|"createdb"|"nocreatedb"|"createrole"|"nocreaterole"|"inherit"|"noinherit"|"login"|"nologin"|"replication"|"noreplication"|"bypassrls"|"nobypassrls"|"password"|"connection limit"|"valid until"|"in role"|"role"|"admin"|"sysid"|"add column"|"drop column"|"alter type"|"set default"|"set not null"|"drop not null"|"add constraint"|"drop constraint"|"owner to"|"set tablespace"|"set logged"|"set unlogged"|"enable trigger"|"disable trigger"|"enable rule"|"disable rule"|"enable row level security"|"disable row level security"|"force row level security"|"no force row level security"|"attach partition"|"detach partition"|"inherit table"|"no inherit table")[]|nil A clause of CREATE and ALTER ROLE, and of ALTER TABLE, in lower case.
---@field extensions string|string[]|nil An extension or library (CREATE EXTENSION, LOAD).
---@field languages string|string[]|nil The language of a body (DO, CREATE FUNCTION).
---@field ["copy.target"] "stdin"|"stdout"|"file"|"program"|("stdin"|"stdout"|"file"|"program")[]|nil Where COPY reads or writes.
---@field ["copy.format"] "text"|"csv"|"binary"|("text"|"csv"|"binary")[]|nil The format of COPY.
---@field ["set.name"] string|string[]|nil A setting that the statement changes.
---@field ["set.value"] string|string[]|nil The value that a setting is given.
---@field ["set.scope"] "session"|"local"|"role"|"database"|"system"|"function"|("session"|"local"|"role"|"database"|"system"|"function")[]|nil For whom the setting changes.
---@field prepared string|string[]|nil The name of PREPARE, EXECUTE, DEALLOCATE.
---@field cursor string|string[]|nil The name of DECLARE, FETCH, CLOSE.
---@field channel string|string[]|nil The channel of LISTEN, NOTIFY.
---@field ["where.present"] boolean|nil Every UPDATE and DELETE has a WHERE; true of a statement without any.
---@field ["where.constant_true"] boolean|nil Some UPDATE's or DELETE's WHERE is true.
---@field ["where.tautology"] boolean|nil Some WHERE has an OR arm that is always true.
---@field ["limit.kind"] "none"|"literal"|"param"|"expr"|("none"|"literal"|"param"|"expr")[]|nil What LIMIT is; LIMIT ALL is none.
---@field ["limit.above"] integer|nil LIMIT is a number above this.
---@field star boolean|nil The statement selects *.
---@field locking boolean|nil FOR UPDATE and kin.
---@field returning boolean|nil RETURNING.
---@field ["joins.above"] integer|nil More joins than this.
---@field ["depth.above"] integer|nil Sub-selects nested deeper than this.
---@field dynamic_sql boolean|nil The statement runs SQL that is not constant.
---@field security_definer boolean|nil A function is made SECURITY DEFINER.
---@field user string|string[]|nil The user that the session logged in as.
---@field database string|string[]|nil The database.
---@field role string|string[]|nil The role in effect (SET ROLE), else the user.
---@field app string|string[]|nil application_name: a hint, not proof.
---@field client string|string[]|nil The client's address.
---@field tls boolean|nil The client's connection has TLS.
---@field sni string|string[]|nil The name that the client asked for in TLS.
---@field certificate string|string[]|nil The common name of the client's certificate, or one of its alternative names.
---@field method string|string[]|nil How the client has proved itself: "scram-sha-256", "md5", "password", "cert", "trust", "pass-through" (to the server); not known at connect.
---@field tags string|string[]|nil A tag that a rule gave the session.
---@field transaction "idle"|"in_transaction"|"failed"|("idle"|"in_transaction"|"failed")[]|nil The state of the transaction before the statement.
---@field time string|string[]|nil Now is inside a weekly window: days (Mon, Mon-Fri, Sat,Sun, daily; left out: every day) and hours; past midnight it belongs to the day it starts on. UTC without a zone in front.
---@field ["session.replication"] boolean|nil The session speaks the replication protocol.
---@field all pgmoat.Match|pgmoat.Match[]|nil
---@field any pgmoat.Match|pgmoat.Match[]|nil
---@field none pgmoat.Match|pgmoat.Match[]|nil

---@class pgmoat.Rule
---@field id string Stable and unique; it appears in errors, logs and metrics.
---@field on "connect"|"auth"|"statement"|"execute"|"copy"|"complete"|"disconnect"|nil The hook; "statement" is the default.
---@field description string? What the rule is for, in a sentence.
---@field severity "info"|"low"|"medium"|"high"|"critical"|nil Of several denials the most severe speaks; "medium" is the default.
---@field owner string? Whom to ask for an exception.
---@field tags string|string[]|nil Words that overrides can name.
---@field url string? Where to read more.
---@field mode pgmoat.Mode? The rule's own mode; ceilings and overrides may lower it.
---@field level integer? 1 everyone to 4 strict; rules above the pack's level are off. 1 is the default.
---@field order integer? Of rewrites: lower ones first; 100 is the default.
---@field enforce_percent integer? So many sessions in a hundred see `enforce`; the others see `monitor`.
---@field on_error "deny"|"allow"|nil What an error of the rule's Lua means; by default it denies where the rule enforces.
---@field match pgmoat.Match? Conditions on facts, compiled; all must hold.
---@field when (fun(s: pgmoat.Session, q: pgmoat.Statement, x: any): any)|string|nil A predicate of Lua, asked where `match` holds; in TOML an expression over s and q.
---@field decide (fun(s: pgmoat.Session, q: pgmoat.Statement, x: any): pgmoat.Verdict?)|string|nil A function that returns a verdict or nil; in TOML "lua:name" of pgmoat.export.
---@field verdict pgmoat.Verdict? What pgmoat.deny{...} and the like make. In TOML a table named deny, rewrite, ...
---@field exceptions pgmoat.Exception[]? Where the rule does not hold. In TOML [[rule.exception]].
---@field tests pgmoat.Test[]? Statements and what becomes of them. In TOML [[rule.test]].

---@class pgmoat.Deny
---@field message string? What the client is told: one line. {command}, {kind}, {relation}, {function} and {user} are filled in.
---@field sqlstate string? 42501 is the default.
---@field hint string? HINT: what to do about it.
---@field detail string? DETAIL, in place of the ordinary one.

---@class pgmoat.Terminate
---@field message string? What the client is told: one line. {command}, {kind}, {relation}, {function} and {user} are filled in.
---@field hint string? HINT: what to do about it.
---@field detail string? DETAIL, in place of the ordinary one.

---@class pgmoat.Alert
---@field message string? What the client is told: one line. {command}, {kind}, {relation}, {function} and {user} are filled in.
---@field capture "normalized"|"raw"|"none"|nil How the statement is logged.

---@class pgmoat.Allow
---@field reason string? Why it is allowed.

---@class pgmoat.AddFilter
---@field relations string|string[] "schema.table", or "table" unqualified.
---@field column string The column.
---@field equals string|integer|boolean The value, placed as a literal.

---@class pgmoat.ReplaceRelation
---@field from string The relation named.
---@field to string The relation used.

---@class pgmoat.Exception: pgmoat.Match
---@field name string? For logs.
---@field reason string? Why: a ticket.
---@field expires string? The exception ends with this day, UTC.

---@class pgmoat.Test
---@field name string? For reports.
---@field sql string? The statement.
---@field expect string What the rule does; "pass": nothing.
---@field rewritten string? The text that a rewrite makes.
---@field session table? user, database, app, client, role, transaction, protocol, guc, tags, tls, sni, certificate, method.
---@field params (string|integer|boolean)[]? Values of $1, $2, ...
---@field parameters (string|integer|boolean)[]? The same by its older name.

pgmoat = { edit = {} }

---The first call of every file.
---@param version 1
function pgmoat.api(version) end

---Registers a rule.
---@param rule pgmoat.Rule
function pgmoat.rule(rule) end

---Refuses the statement.
---@param verdict pgmoat.Deny
---@return pgmoat.Verdict
function pgmoat.deny(verdict) end

---Ends the session.
---@param verdict pgmoat.Terminate
---@return pgmoat.Verdict
function pgmoat.terminate(verdict) end

---Edits the statement; the result is parsed and judged again.
---@param edits pgmoat.Edit[]|pgmoat.Edit
---@return pgmoat.Verdict
function pgmoat.rewrite(edits) end

---Logs an event.
---@param verdict pgmoat.Alert
---@return pgmoat.Verdict
function pgmoat.alert(verdict) end

---Tags the session: s.tags:has(...).
---@param tags string[]|string
---@return pgmoat.Verdict
function pgmoat.tag(tags) end

---Sets parameters of the server's session, on "auth". In TOML `set`.
---@param settings table<string, string|integer|boolean>
---@return pgmoat.Verdict
function pgmoat.settings(settings) end

---Adds to the statement's score.
---@param points integer
---@return pgmoat.Verdict
function pgmoat.score(points) end

---Allows, where a scope denies.
---@param verdict pgmoat.Allow
---@return pgmoat.Verdict
function pgmoat.allow(verdict) end

---Narrows every reference to some relations.
---@param edit pgmoat.AddFilter
---@return pgmoat.Edit
function pgmoat.edit.add_filter(edit) end

---LIMIT is at most this.
---@param rows integer
---@return pgmoat.Edit
function pgmoat.edit.cap_limit(rows) end

---Settings for the statement's transaction.
---@param settings table<string, string|integer|boolean>
---@return pgmoat.Edit
function pgmoat.edit.set_local(settings) end

---The statement runs in a read-only transaction.
---@return pgmoat.Edit
function pgmoat.edit.force_read_only() end

---Names one relation in place of another.
---@param edit pgmoat.ReplaceRelation
---@return pgmoat.Edit
function pgmoat.edit.replace_relation(edit) end

---Adds a comment as sqlcommenter writes them.
---@param pairs table<string, string>
---@return pgmoat.Edit
function pgmoat.edit.add_comment(pairs) end

---Another statement of the same kind in place of this one.
---@param sql string
---@return pgmoat.Edit
function pgmoat.edit.replace(sql) end

---Names functions for `decide = "lua:name"` in TOML.
---@param functions table<string, function>
function pgmoat.export(functions) end

---Names a list for matchers: "@name". Returns the list.
---@param name string
---@param values string[]
---@return string[]
function pgmoat.list(name, values) end

---A set of words.
---@param words string[]
---@return pgmoat.Set
function pgmoat.set(words) end

---A set of networks.
---@param networks string[]
---@return pgmoat.Networks
function pgmoat.cidrs(networks) end

---Weekly windows: { tz = "UTC", "Tue 02:00-04:00" }. Zones are UTC, offsets, or tzdata's.
---@param windows table
---@return pgmoat.Schedule
function pgmoat.schedule(windows) end

---A file of lines "key value", read when the policy is loaded.
---@param where { file: string }
---@return pgmoat.Map
function pgmoat.map(where) end

---A pattern of RE2: linear in the text.
---@param pattern string
---@return pgmoat.Pattern
function pgmoat.re(pattern) end

---Parameters that the configuration gives by this name.
---@param name string
---@return table
function pgmoat.params(name) end

---Unix seconds. A rule that asks is asked for every statement.
---@return integer
function pgmoat.now() end
