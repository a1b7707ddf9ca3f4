"""Writes fanout.yaml: YAML has no loops, so a plan of 200 tasks is made by a few lines of Python.

Run it again after a change: python examples/make_fanout.py > examples/fanout.yaml
"""

STATIONS = 90  # each is fetched and then counted: 180 commands, which with the other twenty makes 200
BROKEN = {17: 31}  # this fetch ends with this exit code, on purpose
HEAD = """\
# Two hundred quick commands in four lanes. Made by make_fanout.py; run it with: taxiway run examples/fanout.yaml
#
# What there is to see:
#   fetch-001 … fetch-090   run side by side, as many as the lane `net` lets through;
#   count-001 … count-090   each starts when its own fetch is done, not when all are;
#   check-01 … check-15     wait for six counts each (fan-in);
#   upload                  fails twice and succeeds at its third attempt: `retries` and `backoff`;
#   fetch-017               fails for good, on purpose. What needs it (count-017, check-03, map) is cancelled with the
#                           reason dependency_failed, and the rest of the plan completes;
#   apology                 waits for that failure (after: {fetch-017: failed}) and says what came of it;
#   report                  waits for everything, however it ends (finished), and adds up the counts.
queue: fanout
slots: 12
lanes: {main: 4, net: 8, cpu: 4, flaky: 1}
defaults: {timeout: 1m}
tasks:
  stations:
    # The output of a task is what it writes to standard output; others take it with ${{ stations.output }}.
    shell: echo "%d stations"
"""
TAIL = """\
  map:
    command: [echo, "a map needs every check of the first half"]
    after: [%(first_half)s]

  upload:
    # TAXIWAY_ATTEMPT counts 1, 2, 3 …: this stands for a service that is not up at once.
    lane: flaky
    retries: 4
    backoff: {first: 400ms, factor: 2, max: 2s}
    shell: |
      if [ "$TAXIWAY_ATTEMPT" -lt 3 ]; then echo "no answer at attempt $TAXIWAY_ATTEMPT" >&2; exit 75; fi
      echo "uploaded at attempt $TAXIWAY_ATTEMPT"
    after: [stations]

  apology:
    # A task that waits for a failure handles it: this one is skipped when fetch-017 succeeds.
    shell: echo "station 017 gave up with exit code ${{ fetch-017.exit_code }}"
    after: {fetch-017: failed}

  report:
    # A task that did not complete has no output: its line is empty, and awk adds up the others.
    command: [awk, '/^count/ {sum += $2; n++} !/^count/ && NF {print} END {print n " stations, sum " sum}']
    stdin: |
%(lines)s
      ${{ upload.output }}
      ${{ apology.output }}
    after:
      upload: finished
      apology: finished
      map: finished
%(finished)s
"""


def main() -> None:
    """Print the plan."""
    names = [f"{number:03}" for number in range(1, STATIONS + 1)]
    print(HEAD % STATIONS, end="")
    print("\n  # Fetched side by side; the pauses stand for a slow network.")
    for number, name in enumerate(names, 1):
        pause = f"0.{1 + number * 7 % 4}"
        broken = f"; echo 'station {name} does not answer' >&2; exit {BROKEN[number]}" if number in BROKEN else ""
        shell = f"sleep {pause}; echo {number * 37 % 100}{broken}"
        print(f'  fetch-{name}: {{lane: net, shell: "{shell}", after: [stations]}}')
    print("\n  # The value of the fetch arrives as one argument, whatever is in it.")
    for name in names:
        value = f"${{{{ fetch-{name}.output }}}}"
        print(f'  count-{name}: {{lane: cpu, command: [echo, "count {value}"], after: [fetch-{name}]}}')
    print("\n  # Each check waits for six counts.")
    for place in range(0, STATIONS, 6):
        after = ", ".join(f"count-{name}" for name in names[place : place + 6])
        print(f"  check-{place // 6 + 1:02}: {{priority: 5, shell: sleep 0.1, after: [{after}]}}")
    print()
    lines = "\n".join(f"      ${{{{ count-{name}.output }}}}" for name in names)
    finished = "\n".join(f"      count-{name}: finished" for name in names)
    first_half = ", ".join(f"check-{number:02}" for number in range(1, 8))
    print(TAIL % {"lines": lines, "finished": finished, "first_half": first_half}, end="")


if __name__ == "__main__":
    main()
