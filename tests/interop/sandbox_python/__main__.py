"""The official Python SDK, strict and unchanged, against a running sandbox.

SANDBOX_URL and SANDBOX_KEY say where it is. Prints one line for each check, "ok …" or
"FAILED …", and exits with 1 if a check failed.
"""

import sys
import traceback

import support

before = support.routes()

import lists  # noqa: E402
import lifecycle  # noqa: E402
import events  # noqa: E402
import threads  # noqa: E402
import files  # noqa: E402
import setup  # noqa: E402, F401
import refusals  # noqa: E402, F401

# Routes that refuse nothing but what every route refuses.
REFUSES_NOTHING = set()


@support.check
def every_route_was_requested_and_refused():
    for route, (requests, refusals) in support.routes().items():
        requests -= before[route][0]
        refusals -= before[route][1]
        assert requests > refusals, f"no request of {route} was answered"
        assert refusals or route in REFUSES_NOTHING, f"no request of {route} was refused"


@support.check
def every_call_of_the_sdk_was_made_with_every_parameter():
    left = support.calls_not_made()
    assert not left, left


def main():
    failed = 0
    for function in support.checks:
        name = function.__name__.replace("_", " ")
        try:
            function()
        except Exception as error:  # every failure is reported, none ends the run
            failed += 1
            print(f"FAILED python: {name}: {type(error).__name__}: {error}")
            traceback.print_exc(file=sys.stdout)
        else:
            print(f"ok python: {name}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
