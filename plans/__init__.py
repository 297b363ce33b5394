"""The canonical plan: its model, its hash, how two differ and in which words; and the wire."""
