#include "session/named_objects.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/check.h"

namespace pgmoat::session {

Object* ObjectTable::find(std::string_view name) {
  if (name.empty()) return unnamed_.get();
  const auto at = named_.find(name);
  return at == named_.end() ? nullptr : &at->second;
}

Object* ObjectTable::create(std::string_view name, bool may_copy, policy::Judged judged,
                            std::uint64_t segment) {
  Object* object = find(name);
  const bool fresh = object == nullptr;
  if (fresh) object = add(name);
  const bool had_one = fresh ? forgot_ : object->confirmed || object->outstanding != 0;
  object->may_copy = may_copy || (had_one && (fresh || object->may_copy));
  object->newest_may_copy = may_copy;
  object->replaces = had_one;
  object->newest = std::move(judged);
  object->segment = segment;
  object->revision = 0;
  ++object->creating;
  hold(*object);
  return object;
}

void ObjectTable::hold(Object& object) {
  if (object.outstanding++ == 0 && object.name != nullptr) ++busy_;
}

void ObjectTable::let_go(Object& object) {
  PGMOAT_CHECK(object.outstanding > 0);
  if (--object.outstanding == 0 && object.name != nullptr) --busy_;
}

void ObjectTable::set_confirmed(Object& object, bool confirmed) {
  if (object.confirmed == confirmed) return;
  object.confirmed = confirmed;
  if (object.name == nullptr) return;
  if (confirmed) ++confirmed_;
  else --confirmed_;
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
  if (object != nullptr) hold(*object);
  return object;
}

void ObjectTable::created(Object& object, policy::Judged judged) {
  let_go(object);
  if (object.creating != 0 && --object.creating == 0) object.newest.reset();
  object.judged = std::move(judged);
  if (object.outstanding == 0) object.may_copy = object.newest_may_copy;
  set_confirmed(object, true);
}

void ObjectTable::closed(Object& object) {
  let_go(object);
  set_confirmed(object, false);
  erase_if_gone(object);
}

void ObjectTable::undone(Object& object, bool creation) {
  let_go(object);
  if (creation && object.creating != 0 && --object.creating == 0) object.newest.reset();
  if (creation) object.revision = 0;  // of the meaning that it has again, that is not known
  erase_if_gone(object);
}

void ObjectTable::dropped(std::string_view name) {
  Object* object = find(name);
  if (object == nullptr || object->name == nullptr) return;
  set_confirmed(*object, false);
  erase_if_gone(*object);
}

void ObjectTable::erase_if_gone(Object& object) {
  if (object.name == nullptr || object.confirmed || object.outstanding != 0) return;
  erase(named_.find(*object.name));
}

bool ObjectTable::has_open_name(std::uint64_t segment) const {
  return busy_ != 0 && std::any_of(named_.begin(), named_.end(), [&](const auto& entry) {
           return !entry.second.is_certain_in(segment);
         });
}

void ObjectTable::forget_all(Keep keep) {
  forget_unnamed();
  unseen_ = dropped_ = 0;
  if (confirmed_ == 0) return;
  for (auto at = named_.begin(); at != named_.end();) {
    if (at->second.lasting && keep == Keep::lasting) {
      ++at;
      continue;
    }
    set_confirmed(at->second, false);
    at = at->second.outstanding == 0 ? erase(at) : std::next(at);
  }
}

void ObjectTable::forget_unnamed() { set_confirmed(*unnamed_, false); }

bool ObjectTable::has_room(std::string_view name, std::uint32_t limit) {
  if (name.empty() || named_.size() + unseen_ < limit || find(name) != nullptr) return true;
  for (auto at = named_.begin(); dropped_ > 0 && named_.size() > busy_ && at != named_.end();) {
    if (at->second.outstanding != 0) {
      ++at;
      continue;
    }
    set_confirmed(at->second, false);
    at = erase(at);
    --dropped_;
    forgot_ = true;
  }
  return named_.size() + unseen_ < limit;
}

}  // namespace pgmoat::session
