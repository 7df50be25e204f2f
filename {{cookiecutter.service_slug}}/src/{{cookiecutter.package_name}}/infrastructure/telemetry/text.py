"""Text as it may be told: without passwords, and not endless."""

import re

MARK = "[redacted]"
LONGEST_TEXT = 2_000

_userinfo = re.compile(r"""://([^\s/?#"'@:]*):[^\s/?#"']*@""")


def without_passwords(text: str) -> str:
    """The same text without the passwords of URLs in it: `scheme://user:[redacted]@host` (RFC 3986, 3.2.1)."""
    return _userinfo.sub(rf"://\1:{MARK}@", text) if "://" in text else text


def shortened(text: str, longest: int = LONGEST_TEXT) -> str:
    """The same text; of one with more characters than `longest` its beginning and its end."""
    if len(text) <= longest:
        return text
    half = longest // 2
    text = without_passwords(text)  # before the cut, which could leave the beginning of one
    return f"{text[:half]} [{len(text) - 2 * half} characters] {text[-half:]}"
