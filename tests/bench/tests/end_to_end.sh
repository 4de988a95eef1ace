#!/usr/bin/env bash
# Drives the mock with the load client: good runs must be lossless, and each
# injected fault must be reported as what it is.
set -u
build=$1
passed=0 failed=0

# The mock takes a free port and says which.
coproc mock { exec "$build/mock_upstream" --listen 127.0.0.1:0 --default "chunks=8"; }
pid=$mock_PID
trap 'kill "$pid" 2>/dev/null; wait "$pid" 2>/dev/null' EXIT
read -r -t 10 _ _ address <&"${mock[0]}" || { echo "the mock does not listen"; exit 1; }

# run EXPECTED DIRECTIVES [load client options]
run() {
  local expected=$1 directives=$2
  shift 2
  local output
  output=$("$build/load_client" --url "http://$address/m/$directives/v1/chat/completions" \
    --connections 4 --warmup 0 --duration 0.3 --drain 3 --timeout 1 "$@")
  local outcomes
  outcomes=$(grep -o '"outcomes":{[^}]*}' <<<"$output")
  if [[ $outcomes =~ ^\"outcomes\":\{\"$expected\":[0-9]+\}$ ]]; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "$directives $*: expected only $expected, got $outcomes"
  fi
}

stream="--stream --include-usage"
run ok chunks=3
run ok framing=chunked
run ok framing=close
run ok body_bytes=50000 --prompt-bytes 1000000
run ok chunks=3 --rate 200
run ok chunks=3 --rate 200 --poisson
run ok chunks=3 --requests-per-connection 1
run ok chunks=5 $stream
run ok chunks=5,chunk_delay_ms=5,ttft_ms=10 $stream
run ok chunks=5,coalesce=5 $stream
run ok framing=close $stream
run ok chunk_bytes=20000,chunks=50 $stream --read-pause-ms 1
run ok fault=slow_headers,gap_ms=0.1
run ok fault=slow_headers,gap_ms=0.1 $stream
run ok fault=stall,at=2,stall_ms=50 $stream
run ok status=429,retry_after=1 --expect-status 429
run aborted chunks=100,chunk_delay_ms=1 $stream --abort-after-chunks 3
run wrong_status status=503
run closed_early fault=drop
run closed_early fault=reset
run closed_early fault=cut
run closed_early fault=cut,at=2 $stream
run closed_early fault=reset_mid,at=2 $stream
run timeout fault=stall,at=2 $stream
run timeout fault=stall
run not_json fault=garbage
run not_json fault=garbage,at=2 $stream
run error_event fault=error_event,at=2 $stream
run missing_done fault=no_done $stream

echo "$passed passed, $failed failed"
[[ $failed -eq 0 ]]
