"""Credentials, headers and faults."""

import anthropic
from anthropic import Anthropic

from support import BETA, URL, beta, check, client, invalid, refused

sessions = beta.sessions


@check
def refuses_missing_and_wrong_credentials():
    wrong = Anthropic(base_url=URL, api_key="sk-invalid-1", max_retries=0)
    refused(anthropic.AuthenticationError, lambda: wrong.beta.sessions.list())


@check
def refuses_missing_headers():
    invalid(lambda: sessions.list(extra_headers={"anthropic-beta": "other-2026-01-01"}))
    invalid(lambda: sessions.list(extra_headers={"anthropic-version": "2020-01-01"}))


@check
def refuses_wrong_paths_and_methods():
    options = {"headers": {"anthropic-beta": BETA[0]}}

    def send(method, path):
        return lambda: method(path, cast_to=object, options=options)

    refused(anthropic.NotFoundError, send(client.get, "/v1/nothing"))
    refused(anthropic.APIStatusError, send(client.put, "/v1/sessions/sesn_01"))


@check
def survives_faults_by_its_own_retries():
    patient = client.with_options(max_retries=2)
    fault = {"x-sandbox-fault": "429;retry-after=1"}
    error = refused(anthropic.RateLimitError, lambda: sessions.retrieve("sesn_01", extra_headers=fault))
    assert error.response.headers["retry-after"] == "1"
    faults = {"faults": [{"effect": {"kind": "status", "status": 529}}, {"effect": {"kind": "reset"}}]}
    client.post("/_sandbox/faults", cast_to=object, body=faults)
    assert patient.beta.sessions.retrieve("sesn_01").id == "sesn_01"
