"""ZeroMQ sockets and addresses. No method names."""
