"""The function that does nothing: what functions-framework costs by itself."""

import functions_framework


@functions_framework.http
def empty(_request: object) -> tuple[str, int]:
    return "", 204
