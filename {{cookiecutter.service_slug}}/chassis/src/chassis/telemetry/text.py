"""Makes text fit for logs: no passwords, bounded length."""

import re

MARK = "[redacted]"
MAX_TEXT = 2_000

_userinfo = re.compile(r"""://([^\s/?#"'@:]*):[^\s/?#"']*@""")


def without_passwords(text: str) -> str:
    """The text with passwords in URLs redacted: `scheme://user:[redacted]@host` (RFC 3986, 3.2.1)."""
    return _userinfo.sub(rf"://\1:{MARK}@", text) if "://" in text else text


def shortened(text: str, longest: int = MAX_TEXT) -> str:
    """The text; only beginning and end of one that has more characters than `longest`."""
    if len(text) <= longest:
        return text
    half = longest // 2
    text = without_passwords(text)  # before the cut, which could leave the beginning of one
    return f"{text[:half]} [{len(text) - 2 * half} characters] {text[-half:]}"
