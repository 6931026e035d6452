"""Public notices: what is announced about a selection and open to objections."""
