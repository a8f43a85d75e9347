// The names of what DDL creates, alters and drops: relations where they are such, else object names.
#include "sql/extract.h"
#include "sql/name_lists.h"
#include "sql/postgres.h"

namespace pgmoat::sql {

void Extractor::add_object_name(const char* name) {
  if (name) draft_.object_names.push_back(keep(name));
}

void Extractor::add_object_names(const void* list) {
  const std::size_t count = elements_of(list).size();
  if (count > 0) draft_.object_names.push_back(joined(list, count));
}

// The first `count` names as a relation.
void Extractor::add_relation_name(const void* names, std::size_t count, const Scope& scope) {
  if (count == 0) return;
  const Elements parts = elements_of(names);
  const auto part = [&](std::size_t back) {
    return count > back ? draft_.arena.keep(string_of(parts.first[count - 1 - back]))
                        : std::string_view();
  };
  Relation& relation = draft_.relations.emplace_back();
  relation.name = part(0);
  relation.schema = part(1);
  relation.catalog = part(2);
  relation.access = scope.access;
  relation.via = level_ == 0 ? scope.via : Via::nested;
  relation.nested = scope.nested;
}

// An object as DROP, COMMENT and their kin write it, by its type.
void Extractor::add_object(int type, const void* object, const Scope& scope) {
  if (!object) return;
  if (is_relation_type(type) && is(object, T_List)) {
    return add_relation_name(object, elements_of(object).size(), scope);
  }
  switch (type) {
    case OBJECT_COLUMN: return add_relation_name(object, elements_of(object).size() - 1, scope);
    case OBJECT_TRIGGER:
    case OBJECT_RULE:
    case OBJECT_POLICY:
    case OBJECT_TABCONSTRAINT: {
      const Elements names = elements_of(object);
      if (names.size() == 0) break;
      add_relation_name(object, names.size() - 1, scope);
      draft_.object_names.push_back(draft_.arena.keep(string_of(names.first[names.size() - 1])));
      return;
    }
    case OBJECT_ROLE:
      if (is(object, T_String)) return add_role(as<String>(object)->sval);
      break;
    case OBJECT_EXTENSION:
      if (is(object, T_String)) draft_.extensions.push_back(keep(as<String>(object)->sval));
      return;
    default: break;
  }
  if (is(object, T_String)) return add_object_name(as<String>(object)->sval);
  if (is(object, T_TypeName)) return add_object_names(as<TypeName>(object)->names);
  if (is(object, T_ObjectWithArgs)) {
    add_object_names(as<ObjectWithArgs>(object)->objname);
  } else if (is(object, T_List) && is(elements_of(object).first[0], T_String)) {
    return add_object_names(object);
  }
  push(object, scope);
}

// All of a schema: what is done to it is done to whatever is in it.
void Extractor::add_schema(std::string_view schema, Access access, Via via, const Scope& scope) {
  Relation& relation = draft_.relations.emplace_back();
  relation.schema = schema;
  relation.name = "*";
  relation.access = access;
  relation.via = via;
  relation.nested = scope.nested;
}

// DROP, COMMENT ON, ALTER ... of any object.
bool Extractor::visit_naming(const void* node, Scope& scope) {
  switch (tag_of(node)) {
    case T_DropStmt:
      for (const void* object : elements_of(as<DropStmt>(node)->objects)) {
        add_object(as<DropStmt>(node)->removeType, object, scope);
        if (as<DropStmt>(node)->removeType == OBJECT_SCHEMA) {
          add_schema(keep(as<String>(object)->sval), Access::define, Via::ddl, scope);
        }
      }
      return true;
    case T_CommentStmt:
      add_object(as<CommentStmt>(node)->objtype, as<CommentStmt>(node)->object, scope);
      return true;
    case T_SecLabelStmt:
      add_object(as<SecLabelStmt>(node)->objtype, as<SecLabelStmt>(node)->object, scope);
      return true;
    case T_RenameStmt: {
      const auto& rename = *as<RenameStmt>(node);
      push(rename.relation, scope);
      add_object(rename.renameType, rename.object, scope);
      if (!rename.relation && !rename.object) add_object_name(rename.subname);
      // Whatever is in it loses the name that rules know it by.
      if (rename.renameType == OBJECT_SCHEMA) {
        add_schema(keep(rename.subname), Access::define, Via::ddl, scope);
      }
      add_object_name(rename.newname);
      return true;
    }
    case T_AlterObjectSchemaStmt: {
      const auto& alter = *as<AlterObjectSchemaStmt>(node);
      push(alter.relation, scope);
      add_object(alter.objectType, alter.object, scope);
      add_object_name(alter.newschema);
      return true;
    }
    case T_AlterOwnerStmt: {
      const auto& alter = *as<AlterOwnerStmt>(node);
      push(alter.relation, scope);
      add_object(alter.objectType, alter.object, scope);
      push(alter.newowner, scope);
      return true;
    }
    case T_AlterObjectDependsStmt: {
      const auto& alter = *as<AlterObjectDependsStmt>(node);
      push(alter.relation, scope);
      if (!alter.relation) add_object(alter.objectType, alter.object, scope);
      if (alter.extname) draft_.extensions.push_back(keep(alter.extname->sval));
      return true;
    }
    case T_AlterExtensionContentsStmt: {
      const auto& alter = *as<AlterExtensionContentsStmt>(node);
      draft_.extensions.push_back(keep(alter.extname));
      add_object(alter.objtype, alter.object, scope);
      return true;
    }
    default: return false;
  }
}

namespace {

// Where a statement keeps the name of its object: a string, or a list of names.
struct NamedIn {
  std::uint16_t tag;
  std::uint16_t offset;
  bool list;
};
#define NAME(node, field) \
  { T_##node, offsetof(node, field), false }
#define NAMES(node, field) \
  { T_##node, offsetof(node, field), true }
constexpr NamedIn kNamed[] = {
    NAME(CreatedbStmt, dbname),
    NAME(DropdbStmt, dbname),
    NAME(AlterDatabaseStmt, dbname),
    NAME(AlterDatabaseSetStmt, dbname),
    NAME(AlterDatabaseRefreshCollStmt, dbname),
    NAME(CreateTableSpaceStmt, tablespacename),
    NAME(DropTableSpaceStmt, tablespacename),
    NAME(AlterTableSpaceOptionsStmt, tablespacename),
    NAME(AlterTableMoveAllStmt, orig_tablespacename),
    NAME(CreateFdwStmt, fdwname),
    NAME(AlterFdwStmt, fdwname),
    NAME(CreateForeignServerStmt, servername),
    NAME(AlterForeignServerStmt, servername),
    NAME(CreateUserMappingStmt, servername),
    NAME(AlterUserMappingStmt, servername),
    NAME(DropUserMappingStmt, servername),
    NAME(ImportForeignSchemaStmt, server_name),
    NAME(CreatePolicyStmt, policy_name),
    NAME(AlterPolicyStmt, policy_name),
    NAME(CreateAmStmt, amname),
    NAME(CreateEventTrigStmt, trigname),
    NAME(AlterEventTrigStmt, trigname),
    NAME(CreatePLangStmt, plname),
    NAME(CreatePublicationStmt, pubname),
    NAME(AlterPublicationStmt, pubname),
    NAME(CreateSubscriptionStmt, subname),
    NAME(AlterSubscriptionStmt, subname),
    NAME(DropSubscriptionStmt, subname),
    NAME(IndexStmt, idxname),
    NAMES(DefineStmt, defnames),
    NAMES(CreateDomainStmt, domainname),
    NAMES(AlterDomainStmt, typeName),
    NAMES(CreateEnumStmt, typeName),
    NAMES(AlterEnumStmt, typeName),
    NAMES(CreateRangeStmt, typeName),
    NAMES(AlterTypeStmt, typeName),
    NAMES(CreateOpClassStmt, opclassname),
    NAMES(CreateOpFamilyStmt, opfamilyname),
    NAMES(AlterOpFamilyStmt, opfamilyname),
    NAMES(CreateStatsStmt, defnames),
    NAMES(AlterStatsStmt, defnames),
    NAMES(AlterCollationStmt, collname),
    NAMES(CreateConversionStmt, conversion_name),
    NAMES(AlterTSDictionaryStmt, dictname),
    NAMES(AlterTSConfigurationStmt, cfgname),
};
#undef NAME
#undef NAMES

}  // namespace

void Extractor::name_object(const void* node, const Scope&) {
  const unsigned tag = tag_of(node);
  for (const auto& [named, offset, list] : kNamed) {
    if (named != tag) continue;
    const void* const name = child_at(node, offset);
    return list ? add_object_names(name) : add_object_name(static_cast<const char*>(name));
  }
  if (tag == T_CreateExtensionStmt) {
    draft_.extensions.push_back(keep(as<CreateExtensionStmt>(node)->extname));
  } else if (tag == T_AlterExtensionStmt) {
    draft_.extensions.push_back(keep(as<AlterExtensionStmt>(node)->extname));
  } else if (tag == T_AlterFunctionStmt) {
    add_object_names(as<AlterFunctionStmt>(node)->func->objname);
  }
}

}  // namespace pgmoat::sql
