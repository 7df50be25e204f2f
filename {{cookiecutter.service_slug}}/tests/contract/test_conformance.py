"""The service does what its OpenAPI document says, whatever it is sent."""

from typing import Any

import schemathesis
from hypothesis import settings as effort
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from {{ cookiecutter.package_name }}.bootstrap import create_service_in_memory
from {{ cookiecutter.package_name }}.config import load_settings

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
    unsupported_method,
]


schema = schemathesis.openapi.from_dict(create_service_in_memory(load_settings()).app.openapi())


@schema.parametrize()
@effort(max_examples=30, deadline=None, derandomize=True)
def test_answers_as_documented(case: Any, base_url: str) -> None:
    case.call_and_validate(base_url=base_url, checks=CHECKS)
