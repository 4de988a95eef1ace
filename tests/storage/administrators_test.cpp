#include "store_samples.hpp"

namespace nexus::storage {
namespace {

class Administrators : public testing::Test {
 protected:
  administrator add(const std::string& name, admin_role role = admin_role::administrator) {
    administrator row;
    row.name = name;
    row.password = "hash of " + name;
    row.role = role;
    const auto made = store_->insert_administrator(row, 5);
    EXPECT_TRUE(made) << made.error().message;
    return *made;
  }
  size_t sessions() { return store_->sessions(100)->size(); }
  temporary_folder folder_;
  std::unique_ptr<store> store_ = open_store(folder_.path());
};

TEST_F(Administrators, ComeBackAsTheyWereStored) {
  add("anna");
  add("victor", admin_role::viewer);
  store_.reset();
  store_ = open_store(folder_.path());
  const auto rows = *store_->administrators();
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].name, "anna");
  EXPECT_EQ(rows[0].password, "hash of anna");
  EXPECT_EQ(rows[0].role, admin_role::administrator);
  EXPECT_EQ(rows[0].created_at, 5);
  EXPECT_EQ(rows[1].role, admin_role::viewer);
}

TEST_F(Administrators, HaveNamesOfTheirOwn) {
  auto anna = add("anna");
  auto berta = add("berta");
  EXPECT_EQ(store_->insert_administrator(anna, 6).error().code, errc::conflict);
  berta.name = "anna";
  const auto refused = store_->update_administrator(berta, {}, 6);
  EXPECT_EQ(refused.error().code, errc::conflict);
  EXPECT_EQ(refused.error().param, "name");
}

TEST_F(Administrators, AreChangedUnderTheirVersion) {
  auto anna = add("anna");
  anna.name = "anne";
  EXPECT_EQ(store_->update_administrator(anna, 2, 6).error().code, errc::precondition_failed);
  EXPECT_EQ(store_->update_administrator(anna, 1, 6)->version, 2);
  anna.id = 99;
  EXPECT_EQ(store_->update_administrator(anna, {}, 6).error().code, errc::not_found);
  EXPECT_EQ(store_->delete_administrator(99, {}).error().code, errc::not_found);
}

TEST_F(Administrators, KeepTheLastOfThem) {
  auto anna = add("anna");
  const auto victor = add("victor", admin_role::viewer);
  EXPECT_EQ(store_->delete_administrator(anna.id, {}).error().code, errc::conflict);
  anna.role = admin_role::viewer;
  EXPECT_EQ(store_->update_administrator(anna, {}, 6).error().code, errc::conflict);
  EXPECT_TRUE(store_->delete_administrator(victor.id, {}));
  const auto berta = add("berta");
  EXPECT_TRUE(store_->update_administrator(anna, {}, 6));
  EXPECT_EQ(store_->delete_administrator(berta.id, {}).error().code, errc::conflict);
  EXPECT_TRUE(store_->delete_administrator(anna.id, {}));
}

TEST_F(Administrators, LoseTheirSessionsWithTheirPasswordTheirRoleAndThemselves) {
  auto anna = add("anna");
  add("berta");
  const auto open = [&](const std::string& digest) { ASSERT_TRUE(store_->insert_session({digest, anna.id, 1, 1})); };
  ASSERT_TRUE(store_->insert_session({"other", 2, 1, 1}));
  open("a");
  anna.name = "anne";
  ASSERT_TRUE(store_->update_administrator(anna, {}, 6));
  EXPECT_EQ(sessions(), 2U);
  anna.password = "another";
  ASSERT_TRUE(store_->update_administrator(anna, {}, 6));
  EXPECT_EQ(sessions(), 1U);
  open("b");
  anna.role = admin_role::viewer;
  ASSERT_TRUE(store_->update_administrator(anna, {}, 6));
  EXPECT_EQ(sessions(), 1U);
  open("c");
  ASSERT_TRUE(store_->delete_administrator(anna.id, {}));
  EXPECT_EQ(sessions(), 1U);
}

TEST_F(Administrators, GetAFreshHashUnlessThePasswordChangedMeanwhile) {
  const auto anna = add("anna");
  ASSERT_TRUE(store_->insert_session({"a", anna.id, 1, 1}));
  ASSERT_TRUE(store_->rehash_password(anna.id, "of another", "fresh"));
  EXPECT_EQ((*store_->administrators())[0].password, "hash of anna");
  ASSERT_TRUE(store_->rehash_password(anna.id, "hash of anna", "fresh"));
  EXPECT_EQ((*store_->administrators())[0].password, "fresh");
  EXPECT_EQ(sessions(), 1U);
}

TEST_F(Administrators, SessionsAreTouchedClosedAndPurged) {
  ASSERT_TRUE(store_->insert_session({"old", 0, 10, 500}));
  ASSERT_TRUE(store_->insert_session({"idle", 0, 200, 200}));
  ASSERT_TRUE(store_->insert_session({"fresh", 0, 200, 300}));
  ASSERT_TRUE(store_->touch_session("fresh", 900));
  ASSERT_TRUE(store_->touch_session("fresh", 800));
  ASSERT_TRUE(store_->purge_sessions(100, 250));
  const auto left = *store_->sessions(10);
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(left[0].digest, "fresh");
  EXPECT_EQ(left[0].used_at, 900);
  ASSERT_TRUE(store_->delete_session("fresh"));
  EXPECT_EQ(sessions(), 0U);
}

class AuditLog : public Administrators {
 protected:
  static audit_entry entry(const std::string& action) {
    audit_entry made;
    made.at = 7;
    made.actor = "administrator anna";
    made.action = action;
    made.resource = "key";
    made.before = "{}";
    made.address = "192.0.2.7";
    made.request_id = "req_1";
    return made;
  }
};

TEST_F(AuditLog, HoldsAnEntryForEachChangeNewestFirst) {
  for (int64_t id = 1; id <= 3; ++id)
    EXPECT_EQ(*store_->audited(entry("a" + std::to_string(id)), [&]() -> result<int64_t> { return id * 10; }), id * 10);
  const auto newest = *store_->audit_log(INT64_MAX, 2);
  ASSERT_EQ(newest.size(), 2U);
  EXPECT_EQ(newest[0].action, "a3");
  EXPECT_EQ(newest[0].resource_id, 30);
  EXPECT_EQ(newest[0].at, 7);
  EXPECT_EQ(newest[0].actor, "administrator anna");
  EXPECT_EQ(newest[0].before, "{}");
  EXPECT_EQ(newest[0].after, "");
  EXPECT_EQ(newest[0].address, "192.0.2.7");
  EXPECT_EQ(newest[0].request_id, "req_1");
  const auto rest = *store_->audit_log(newest[1].id, 10);
  ASSERT_EQ(rest.size(), 1U);
  EXPECT_EQ(rest[0].action, "a1");
}

TEST_F(AuditLog, AndTheChangeAreOneTransaction) {
  const auto refused = store_->audited(entry("a"), [&]() -> result<int64_t> {
    EXPECT_TRUE(store_->insert_provider(sample("p"), 1));
    return make_error(errc::conflict, "The second half failed.");
  });
  EXPECT_EQ(refused.error().code, errc::conflict);
  EXPECT_TRUE(store_->load_control_plane()->providers.empty());
  EXPECT_TRUE(store_->load_control_plane()->keys.empty());
  EXPECT_TRUE(store_->audit_log(INT64_MAX, 10)->empty());
}

TEST_F(AuditLog, RefusesAChangeThatItCannotWriteDown) {
  store_.reset();
  other_program(folder_.path()).run("DROP TABLE audit_log");
  other_program(folder_.path())
      .run(
          "CREATE TABLE audit_log (id INTEGER PRIMARY KEY, at INTEGER, actor TEXT, action TEXT, resource TEXT, "
          "resource_id INTEGER, before TEXT, after TEXT, address TEXT, request_id TEXT CHECK (request_id = ''))");
  store_ = open_store(folder_.path());
  EXPECT_FALSE(
      store_->audited(entry("a"), [&]() -> result<int64_t> { return store_->insert_provider(sample("p"), 1)->id; }));
  EXPECT_TRUE(store_->load_control_plane()->providers.empty());
}

}  // namespace
}  // namespace nexus::storage
