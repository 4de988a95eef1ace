#include "net/probe.hpp"

#include "tests/net/scripted_server.hpp"
#include "tests/net/test_certificate.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace nexus::net {
namespace {

using namespace std::chrono_literals;
using manner = scripted_server::manner;

constexpr std::string_view key = "sk-test-0123456789abcdef";

std::string http(int status, const std::string& body, const std::string& more = {}) {
  return "HTTP/1.1 " + std::to_string(status) + " X\r\n" + more + "content-length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

const std::string models_answer = http(200, R"({"object":"list","data":[{"id":"b"},{"id":"a"}]})");
const std::string chat_answer =
    http(200, R"({"choices":[{"message":{"role":"assistant","content":"p"},"finish_reason":"length"}]})");

probe_target target_of(std::string url) {
  probe_target target;
  target.server_url = std::move(url);
  target.key = key;
  return target;
}

std::string names(const probe_report& report) {
  std::string text;
  for (const auto& step : report.steps) text += (text.empty() ? "" : " ") + step.name + (step.ok() ? "" : "!");
  return text;
}

/// The failure of the last step, which must be one.
error last_failure(const probe_report& report) {
  if (report.steps.empty() || report.steps.back().ok()) {
    ADD_FAILURE() << "the last step did not fail: " << names(report);
    return {};
  }
  return *report.steps.back().failure;
}

bool says(const error& failure, std::string_view text) { return failure.message.find(text) != std::string::npos; }

TEST(Probe, MakesEveryStepOfASoundUpstream) {
  scripted_server server({{models_answer}, {chat_answer}});
  const auto report = run_probe(target_of(server.url()), "a");
  EXPECT_EQ(names(report), "dns tcp authentication models chat");
  EXPECT_TRUE(report.ok());
  EXPECT_EQ(report.steps[0].detail, "127.0.0.1");
  EXPECT_EQ(report.steps[3].detail, "2 models");

  const auto requests = server.requests();
  ASSERT_EQ(requests.size(), 2u);
  EXPECT_EQ(requests[0].method + " " + requests[0].target, "GET /v1/models");
  EXPECT_EQ(requests[1].method + " " + requests[1].target, "POST /v1/chat/completions");
  for (const auto& request : requests) {
    EXPECT_EQ(request.headers.find("authorization"), "Bearer " + std::string(key));
    EXPECT_EQ(request.headers.find("connection"), "close");
  }
  EXPECT_EQ(requests[1].body,
            R"({"model":"a","messages":[{"role":"user","content":"ping"}],"max_tokens":1,"stream":false})");
}

TEST(Probe, ChatsWithNobodyWithoutAModel) {
  scripted_server server({{models_answer}});
  const auto report = run_probe(target_of(server.url()), "");
  EXPECT_EQ(names(report), "dns tcp authentication models");
  EXPECT_EQ(server.requests().size(), 1u);
}

TEST(Probe, SendsNoCredentialsWithoutAKeyButTheProvidersHeaders) {
  scripted_server server({{models_answer}});
  auto target = target_of(server.url());
  target.key = {};
  target.headers = {{"x-team", "blue"}};
  EXPECT_TRUE(run_probe(target, "").ok());
  const auto requests = server.requests();
  ASSERT_EQ(requests.size(), 1u);
  EXPECT_FALSE(requests[0].headers.find("authorization"));
  EXPECT_EQ(requests[0].headers.find("x-team"), "blue");
}

TEST(Probe, StopsAtRejectedCredentials) {
  for (const int status : {401, 403}) {
    scripted_server server({{http(status, R"({"error":{"message":"no such key"}})")}, {chat_answer}});
    const auto report = run_probe(target_of(server.url()), "a");
    EXPECT_EQ(names(report), "dns tcp authentication!");
    EXPECT_EQ(last_failure(report).code, errc::upstream_credentials_rejected);
    EXPECT_TRUE(says(last_failure(report), std::to_string(status)));
    EXPECT_TRUE(says(last_failure(report), "no such key"));
    EXPECT_EQ(server.requests().size(), 1u);
  }
}

TEST(Probe, SaysSoEvenIfTheRejectionIsCutShort) {
  scripted_server server({{"HTTP/1.1 401 X\r\ncontent-length: 100\r\n\r\n{"}});
  const auto report = run_probe(target_of(server.url()), "");
  EXPECT_EQ(last_failure(report).code, errc::upstream_credentials_rejected);
}

TEST(Probe, ShowsNoSecretThatTheUpstreamEchoes) {
  const std::string echo = R"({"error":{"message":"bad key )" + std::string(key) + " or " + std::string(key) +
                           R"( or team-secret-1 for v1"}})";
  scripted_server server({{http(401, echo)}});
  auto target = target_of(server.url());
  target.headers = {{"x-team", "team-secret-1"}, {"x-version", "v1"}};
  const auto failure = last_failure(run_probe(target, ""));
  EXPECT_TRUE(says(failure, "bad key *** or *** or *** for v1")) << failure.message;
  EXPECT_FALSE(says(failure, key));
  EXPECT_TRUE(failure.detail.empty());
}

TEST(Probe, ShowsOnlyTheBeginningOfALongComplaint) {
  std::string words;
  for (int i = 0; i < 1000; ++i) words += "ä";
  scripted_server server({{http(500, R"({"error":{"message":"x)" + words + R"("}})")}});
  const auto failure = last_failure(run_probe(target_of(server.url()), ""));
  EXPECT_TRUE(says(failure, "xää"));
  EXPECT_TRUE(failure.message.ends_with("ä"));
  EXPECT_LT(failure.message.size(), 400u);
}

TEST(Probe, GoesOnIfTheUpstreamOffersNoList) {
  for (const int status : {404, 405, 501}) {
    scripted_server server({{http(status, "nothing here")}, {chat_answer}});
    const auto report = run_probe(target_of(server.url()), "a");
    EXPECT_EQ(names(report), "dns tcp authentication models chat");
    EXPECT_EQ(report.steps[3].detail, "not offered");
  }
}

TEST(Probe, AsksForNoListThatHasNoKnownPlace) {
  scripted_server server({{chat_answer}});
  const auto report = run_probe(target_of(server.url() + "/own/path#"), "a");
  EXPECT_EQ(names(report), "dns tcp models chat");
  const auto requests = server.requests();
  ASSERT_EQ(requests.size(), 1u);
  EXPECT_EQ(requests[0].target, "/own/path");
}

TEST(Probe, FollowsNoRedirect) {
  const auto redirect = http(307, "", "location: /v1/elsewhere\r\n");
  scripted_server server({{redirect}, {redirect}, {chat_answer}});
  const auto report = run_probe(target_of(server.url()), "a");
  EXPECT_EQ(names(report), "dns tcp authentication models! chat!");
  EXPECT_EQ(report.steps[3].failure->code, errc::upstream_redirect);
  EXPECT_EQ(last_failure(report).code, errc::upstream_redirect);
  EXPECT_EQ(server.requests().size(), 2u);
}

TEST(Probe, RefusesWhatIsNoHttp) {
  for (const char* text : {"SSH-2.0-server\r\n", "HTTP/1.1 abc\r\n\r\n", "\r\n\r\n\r\n"}) {
    scripted_server server({{text}});
    const auto report = run_probe(target_of(server.url()), "a");
    EXPECT_EQ(names(report), "dns tcp authentication!");
    EXPECT_EQ(last_failure(report).code, errc::upstream_invalid_response) << text;
  }
}

TEST(Probe, NoticesAnUpstreamThatClosesEarly) {
  for (const char* text : {"", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\ncontent-le"}) {
    scripted_server server({{text}});
    const auto report = run_probe(target_of(server.url()), "a");
    EXPECT_EQ(names(report), "dns tcp authentication!");
    EXPECT_EQ(last_failure(report).code, errc::upstream_error) << text;
  }
}

TEST(Probe, NoticesAListThatBreaksOffAndStillChats) {
  scripted_server server({{"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{\"data\":[]}"}, {chat_answer}});
  const auto report = run_probe(target_of(server.url()), "a");
  EXPECT_EQ(names(report), "dns tcp authentication models! chat");
  EXPECT_EQ(report.steps[3].failure->code, errc::upstream_error);
  EXPECT_FALSE(report.ok());
}

TEST(Probe, NoticesAListThatIsNone) {
  for (const char* body : {"", "hello", "[]", "{}", R"({"data":{}})", R"({"data":[],"data":[]})"}) {
    scripted_server server({{http(200, body)}, {chat_answer}});
    const auto report = run_probe(target_of(server.url()), "a");
    EXPECT_EQ(names(report), "dns tcp authentication models! chat") << body;
    EXPECT_EQ(report.steps[3].failure->code, errc::upstream_invalid_response);
  }
}

TEST(Probe, ChatsAfterAListWithBrokenFraming) {
  scripted_server server({{"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n"}, {chat_answer}});
  const auto report = run_probe(target_of(server.url()), "a");
  EXPECT_EQ(names(report), "dns tcp authentication models! chat");
  EXPECT_EQ(report.steps[3].failure->code, errc::upstream_invalid_response);
}

TEST(Probe, RefusesAnAnswerWithoutBound) {
  const std::string huge(5 * 1024 * 1024, ' ');
  scripted_server server({{http(200, huge)}});
  const auto report = run_probe(target_of(server.url()), "");
  EXPECT_EQ(names(report), "dns tcp authentication models!");
  EXPECT_EQ(last_failure(report).code, errc::upstream_invalid_response);
  EXPECT_TRUE(says(last_failure(report), "larger"));
}

TEST(Probe, WaitsNoLongerThanItsDeadlineForAnAnswer) {
  for (const char* text : {"", "HTTP/1.1 200 OK\r\n"}) {
    scripted_server server({{text, manner::stall}});
    auto target = target_of(server.url());
    target.total_timeout = 300ms;
    const auto report = run_probe(target, "a");
    EXPECT_EQ(names(report), "dns tcp authentication!");
    EXPECT_EQ(last_failure(report).code, errc::upstream_timeout);
    EXPECT_TRUE(says(last_failure(report), "within 300 ms")) << last_failure(report).message;
  }
}

TEST(Probe, WaitsNoLongerThanItsDeadlineForTheRestOfAnAnswer) {
  scripted_server server({{"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{", manner::stall}});
  auto target = target_of(server.url());
  target.total_timeout = 300ms;
  const auto report = run_probe(target, "a");
  EXPECT_EQ(report.steps[3].failure->code, errc::upstream_timeout);
  EXPECT_EQ(last_failure(report).code, errc::upstream_timeout);
}

TEST(Probe, EndsAtOnceWhenStopped) {
  scripted_server server({{"", manner::mute}});
  const std::atomic<bool> stop{true};
  auto target = target_of(server.url());
  target.stop = &stop;
  const auto report = run_probe(target, "a");
  EXPECT_EQ(last_failure(report).code, errc::shutting_down);
  target.server_url = "http://nonexistent.invalid";
  EXPECT_EQ(names(run_probe(target, "a")), "dns!");
}

TEST(Probe, IsStoppedInMidWait) {
  scripted_server server({{"", manner::stall}});
  std::atomic<bool> stop{false};
  auto target = target_of(server.url());
  target.stop = &stop;
  probe_report report;
  std::thread prober([&] { report = run_probe(target, "a"); });
  stop = true;
  prober.join();
  EXPECT_EQ(last_failure(report).code, errc::shutting_down);
}

TEST(Probe, SpeaksTlsWithACertificateThatItTrusts) {
  const test_certificate certificate("IP:127.0.0.1");
  const auto context = tls_context::server(certificate.certificate_file(), certificate.key_file());
  ASSERT_TRUE(context);
  scripted_server server({{models_answer}, {chat_answer}}, *context);
  auto target = target_of(server.url());
  target.tls = *tls_context::client(certificate.certificate_file());
  EXPECT_EQ(names(run_probe(target, "a")), "dns tcp tls authentication models chat");
}

TEST(Probe, RefusesASelfSignedCertificateWithTheReason) {
  const test_certificate certificate("IP:127.0.0.1");
  scripted_server server({{models_answer}},
                         *tls_context::server(certificate.certificate_file(), certificate.key_file()));
  auto target = target_of(server.url());
  target.tls = *tls_context::client("");
  const auto report = run_probe(target, "a");
  EXPECT_EQ(names(report), "dns tcp tls!");
  EXPECT_EQ(last_failure(report).code, errc::upstream_error);
  EXPECT_TRUE(says(last_failure(report), "self-signed certificate")) << last_failure(report).message;
  EXPECT_TRUE(server.requests().empty());
}

TEST(Probe, RefusesACertificateOfAnotherName) {
  const test_certificate certificate("IP:127.0.0.2");
  scripted_server server({{models_answer}},
                         *tls_context::server(certificate.certificate_file(), certificate.key_file()));
  auto target = target_of(server.url());
  target.tls = *tls_context::client(certificate.certificate_file());
  const auto report = run_probe(target, "a");
  EXPECT_EQ(names(report), "dns tcp tls!");
  EXPECT_TRUE(says(last_failure(report), "mismatch")) << last_failure(report).message;
}

TEST(Probe, WaitsNoLongerThanItsDeadlineForTls) {
  scripted_server server({{"", manner::mute}});
  auto target = target_of("https" + server.url().substr(4));
  target.tls = *tls_context::client("");
  target.connect_timeout = 300ms;
  const auto report = run_probe(target, "a");
  EXPECT_EQ(names(report), "dns tcp tls!");
  EXPECT_EQ(last_failure(report).code, errc::upstream_timeout);
}

TEST(Probe, NoticesAServerThatSpeaksNoTls) {
  scripted_server server({{"220 mail.example ESMTP\r\n", manner::speak_first}});
  auto target = target_of("https" + server.url().substr(4));
  target.tls = *tls_context::client("");
  const auto report = run_probe(target, "a");
  EXPECT_EQ(names(report), "dns tcp tls!");
  EXPECT_EQ(last_failure(report).code, errc::upstream_error);
}

TEST(Probe, NamesARefusedConnection) {
  const local_socket nobody;
  const auto report = run_probe(target_of("http://127.0.0.1:" + std::to_string(nobody.port())), "a");
  EXPECT_EQ(names(report), "dns tcp!");
  EXPECT_EQ(last_failure(report).code, errc::upstream_error);
  EXPECT_TRUE(says(last_failure(report), "refused")) << last_failure(report).message;
}

TEST(Probe, FailsForANameThatDoesNotExist) {
  auto target = target_of("http://nonexistent.invalid");
  target.connect_timeout = 2s;
  const auto report = run_probe(target, "a");
  ASSERT_FALSE(report.ok());
  EXPECT_TRUE(names(report) == "dns!" || names(report) == "dns tcp!") << names(report);
}

TEST(Probe, NamesAnUnsoundUrl) {
  const auto report = run_probe(target_of("ftp://127.0.0.1"), "a");
  EXPECT_EQ(names(report), "dns!");
  EXPECT_EQ(last_failure(report).code, errc::invalid_request);
}

TEST(Probe, NamesAFailedChat) {
  struct sample {
    std::string answer;
    errc code;
    std::string_view words;
  };
  const sample samples[] = {
      {http(404, R"({"error":{"message":"no model a"}})"), errc::upstream_status, "no model a"},
      {http(401, "{}"), errc::upstream_credentials_rejected, "401"},
      {http(429, R"({"error":{"message":"slow down"}})"), errc::upstream_error, "slow down"},
      {http(503, "<html>"), errc::upstream_error, "503"},
      {http(200, R"({"error":{"message":"out of memory"}})"), errc::upstream_error, "out of memory"},
      {http(200, "{}"), errc::upstream_invalid_response, "dialect"},
      {http(200, "pong"), errc::upstream_invalid_response, "dialect"},
      {"", errc::upstream_error, ""},
  };
  for (const auto& sample : samples) {
    scripted_server server({{models_answer}, {sample.answer}});
    const auto report = run_probe(target_of(server.url()), "a");
    EXPECT_EQ(names(report), "dns tcp authentication models chat!");
    EXPECT_EQ(last_failure(report).code, sample.code) << sample.answer;
    EXPECT_TRUE(says(last_failure(report), sample.words)) << last_failure(report).message;
  }
}

TEST(Probe, UsesTheNewerNameOfTheLimitIfTheModelAsksForIt) {
  scripted_server server(
      {{models_answer}, {http(400, R"({"error":{"message":"Use 'max_completion_tokens'."}})")}, {chat_answer}});
  EXPECT_TRUE(run_probe(target_of(server.url()), "a").ok());
  const auto requests = server.requests();
  ASSERT_EQ(requests.size(), 3u);
  EXPECT_NE(requests[2].body.find(R"("max_completion_tokens":1)"), std::string::npos);
  EXPECT_EQ(requests[2].body.find("max_tokens"), std::string::npos);
}

TEST(UpstreamModels, AreSortedAndOnce) {
  scripted_server server(
      {{"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
        "10\r\n{\"data\":[{\"id\":\"\r\n33\r\nb\"},7,{},{\"id\":3},{\"id\":\"\"},{\"id\":\"a\"},{\"id\":\"b\"}]}"
        "\r\n0\r\n\r\n"}});
  const auto models = upstream_models(target_of(server.url()));
  ASSERT_TRUE(models) << models.error().message;
  EXPECT_EQ(*models, (std::vector<std::string>{"a", "b"}));
}

TEST(UpstreamModels, AreBounded) {
  std::string list;
  for (int i = 0; i < 10'100; ++i) list += (i ? "," : "") + std::string(R"({"id":"m)") + std::to_string(i) + R"("})";
  scripted_server server({{http(200, R"({"data":[)" + list + "]}")}});
  const auto models = upstream_models(target_of(server.url()));
  ASSERT_TRUE(models);
  EXPECT_EQ(models->size(), upstream_models_max);
  EXPECT_TRUE(std::is_sorted(models->begin(), models->end()));
}

TEST(UpstreamModels, FailWithTheStepThatFailed) {
  const local_socket nobody;
  EXPECT_EQ(upstream_models(target_of("http://127.0.0.1:" + std::to_string(nobody.port()))).error().code,
            errc::upstream_error);
  EXPECT_EQ(upstream_models(target_of("nonsense")).error().code, errc::invalid_request);
  const std::pair<std::string, errc> samples[] = {
      {http(401, "{}"), errc::upstream_credentials_rejected},
      {http(302, ""), errc::upstream_redirect},
      {http(500, ""), errc::upstream_error},
      {http(418, ""), errc::upstream_status},
      {http(200, "x"), errc::upstream_invalid_response},
      {"garbage", errc::upstream_invalid_response},
      {http(404, ""), errc::upstream_status},
  };
  for (const auto& [text, code] : samples) {
    scripted_server server({{text}});
    const auto models = upstream_models(target_of(server.url()));
    ASSERT_FALSE(models) << text;
    EXPECT_EQ(models.error().code, code) << text;
  }
}

TEST(UpstreamModels, FailIfTheListHasNoKnownPlace) {
  scripted_server server({{models_answer}});
  const auto models = upstream_models(target_of(server.url() + "/own/path#"));
  ASSERT_FALSE(models);
  EXPECT_EQ(models.error().code, errc::upstream_status);
  EXPECT_TRUE(server.requests().empty());
}

TEST(BlockingStream, SpellsTimesInTheirUnit) {
  EXPECT_EQ(time_text(10s), "10 s");
  EXPECT_EQ(time_text(1500ms), "1500 ms");
}

}  // namespace
}  // namespace nexus::net
