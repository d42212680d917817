"""One chat turn: red flags, intent, tools, an answer with citations."""
