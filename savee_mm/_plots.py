"""Text in plots."""


def literal(text: object) -> str:
    r"""Return text that matplotlib draws as it is: formulas begin and end with a dollar sign, which is escaped.

    Parameters
    ----------
    text : object
        Name of a class, a group, a system or a file.

    Returns
    -------
    text : str

    Examples
    --------
    >>> from savee_mm._plots import literal
    >>> print(literal("$_$"))
    \$_\$
    """
    return str(text).replace("$", r"\$")
