#include "session/named_objects.h"

#include <iterator>
#include <utility>

#include "base/check.h"

namespace pgmoat::session {

Object* ObjectTable::find(std::string_view name) {
  if (name.empty()) return unnamed_.get();
  const auto at = named_.find(name);
  return at == named_.end() ? nullptr : &at->second;
}

Object* ObjectTable::create(std::string_view name, bool may_copy) {
  Object* object = find(name);
  if (object == nullptr) object = add(name);
  const bool had_one = object->confirmed || object->outstanding != 0;
  object->may_copy = may_copy || (had_one && object->may_copy);
  object->newest_may_copy = may_copy;
  ++object->outstanding;
  return object;
}

Object* ObjectTable::add(std::string_view name) {
  if (spare_.empty()) {
    const auto at = named_.emplace(std::string(name), Object{}).first;
    at->second.name = &at->first;
    return &at->second;
  }
  spare_.key().assign(name);
  spare_.mapped() = Object{};
  const auto at = named_.insert(std::move(spare_)).position;
  at->second.name = &at->first;
  return &at->second;
}

ObjectTable::Map::iterator ObjectTable::erase(Map::iterator at) {
  const auto next = std::next(at);
  spare_ = named_.extract(at);
  return next;
}

Object* ObjectTable::close(std::string_view name) {
  Object* object = find(name);
  if (object == nullptr) return nullptr;
  ++object->outstanding;
  return object;
}

void ObjectTable::created(Object& object) {
  PGMOAT_CHECK(object.outstanding > 0);
  if (--object.outstanding == 0) object.may_copy = object.newest_may_copy;
  object.confirmed = true;
}

void ObjectTable::closed(Object& object) {
  PGMOAT_CHECK(object.outstanding > 0);
  --object.outstanding;
  object.confirmed = false;
  erase_if_gone(object);
}

void ObjectTable::undone(Object& object) {
  PGMOAT_CHECK(object.outstanding > 0);
  --object.outstanding;
  erase_if_gone(object);
}

void ObjectTable::erase_if_gone(Object& object) {
  if (object.name == nullptr || object.confirmed || object.outstanding != 0) return;
  erase(named_.find(*object.name));
}

void ObjectTable::forget_all() {
  forget_unnamed();
  unseen_ = dropped_ = 0;
  if (named_.empty()) return;
  for (auto at = named_.begin(); at != named_.end();) {
    at->second.confirmed = false;
    at = at->second.outstanding == 0 ? erase(at) : std::next(at);
  }
}

void ObjectTable::forget_unnamed() {
  unnamed_->confirmed = false;
}

bool ObjectTable::has_room(std::string_view name, std::uint32_t limit) {
  if (name.empty() || named_.size() + unseen_ < limit || find(name) != nullptr) return true;
  for (auto at = named_.begin(); dropped_ > 0 && at != named_.end();) {
    if (at->second.outstanding != 0) {
      ++at;
      continue;
    }
    at = erase(at);
    --dropped_;
  }
  return named_.size() + unseen_ < limit;
}

}  // namespace pgmoat::session
