"""The pages themselves, with their templates."""
