"""How Zoho words a refusal. Bodies follow the vendor's Status Codes pages and OpenAPI error schemas."""

from __future__ import annotations

from typing import Any

from ..server import Response, json_response

_MESSAGES = {
    "ALREADY_MODIFIED": "record updated time has already passed if-unmodified-since time",
    "AMBIGUITY_DURING_PROCESSING": "Ambiguity while processing the request",
    "AUTHENTICATION_FAILURE": "Authentication failed",
    "DISCRETE_PAGINATION_LIMIT_EXCEEDED": "You can only get the first 2000 records without using page_token param",
    "DUPLICATE_DATA": "duplicate data",
    "EXPIRED_VALUE": "Page token expired",
    "ID_ALREADY_CONVERTED": "id already converted",
    "INTERNAL_ERROR": "Internal Server Error",
    "INVALID_DATA": "invalid data",
    "INVALID_HOST": "The host is invalid. Please use the api_domain of your access token",
    "INVALID_MODULE": "the module name given seems to be invalid",
    "INVALID_REQUEST_METHOD": "The http request method type is not a valid one",
    "INVALID_TOKEN": "invalid oauth token",
    "INVALID_URL_PATTERN": "Please check if the URL trying to access is a correct one",
    "LICENSE_LIMIT_EXCEEDED": "tags edition limit exceeded",
    "LIMIT_EXCEEDED": "limit exceeded",
    "MANDATORY_NOT_FOUND": "required field not found",
    "MULTIPLE_OR_MULTI_ERRORS": "Multiple errors in the request",
    "NO_PERMISSION": "permission denied",
    "NOT_APPROVED": "Cannot update record that is not approved yet",
    "NOT_REVIEWED": "record in review",
    "OAUTH_SCOPE_MISMATCH": "invalid oauth scope to access this URL",
    "PAGINATION_LIMIT_EXCEEDED": "You can only get upto 100000 records using page_token param",
    "PATTERN_NOT_MATCHED": "Please check whether the input values are correct",
    "RECORD_IN_BLUEPRINT": "The record is in blue print",
    "RECORD_LOCKED": "Sorry, you cannot perform this operation as the record is locked.",
    "REQUIRED_PARAM_MISSING": "One of the expected parameter is missing",
    "RESOURCE_NOT_FOUND": "The requested resource doesn't exist.",
    "TOKEN_BOUND_DATA_MISMATCH": "The page_token given seems to be invalid or input param is added or altered or deleted",
    "TOO_MANY_REQUESTS": "Too many requests fired in concurrency or the API credits are used up",
}
_STATUS = {
    "AUTHENTICATION_FAILURE": 401,
    "INTERNAL_ERROR": 500,
    "INVALID_TOKEN": 401,
    "INVALID_URL_PATTERN": 404,
    "NO_PERMISSION": 403,
    "OAUTH_SCOPE_MISMATCH": 401,
    "RESOURCE_NOT_FOUND": 404,
    "TOO_MANY_REQUESTS": 429,
}


def error(code: str, message: str = "", **details: Any) -> dict[str, Any]:
    """One error object, as it stands alone or in a list of answers per record."""
    return {"code": code, "details": details, "message": message or _MESSAGES.get(code, code), "status": "error"}


class Refusal(Exception):
    """The whole request is refused; HTTP status by the code unless given."""

    def __init__(self, code: str, message: str = "", *, status: int = 0, **details: Any) -> None:
        super().__init__(code)
        self.body = error(code, message, **details)
        self.status = status or _STATUS.get(code, 400)

    def response(self) -> Response:
        return json_response(self.status, self.body)


class Refused(Exception):
    """The whole request is refused with this answer."""

    def __init__(self, answer: Response) -> None:
        super().__init__(answer.status)
        self.answer = answer

    def response(self) -> Response:
        return self.answer


class BadValue(Exception):
    """A value of one record is refused; the place in the body is added by who knows it."""

    def __init__(self, code: str = "INVALID_DATA", message: str = "", **details: Any) -> None:
        super().__init__(code)
        self.code, self.message, self.details = code, message, details

    def at(self, api_name: str, json_path: str) -> dict[str, Any]:
        return error(self.code, self.message, api_name=api_name, json_path=json_path, **self.details)
