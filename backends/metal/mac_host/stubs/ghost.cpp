// Calls what no MLX has. A link that does not report it reports nothing.
namespace mlx::core {
void ghost();
}

void call_a_ghost() { mlx::core::ghost(); }
